//! Terms and kinds of files.

mod files;
mod terms;
