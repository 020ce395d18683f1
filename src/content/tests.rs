//! Terms and kinds of files.

mod files;
mod shipped;
mod terms;
