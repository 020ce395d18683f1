//! `.Include<path>`: the lines of another file in the place of this one.

use std::collections::{BTreeMap, BTreeSet};

use crate::lists::archive::{ArchiveFile, Unpacked};

/// How deep includes may nest.
const MAX_DEPTH: usize = 16;

/// An include that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: the included file {include:?} {problem}")]
pub struct IncludeFault {
    /// The file that includes.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// The path as it is written.
    pub include: String,
    /// What is wrong.
    pub problem: IncludeProblem,
}

/// What is wrong with an include.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IncludeProblem {
    /// No such file in the folder.
    #[error("is not in the folder: copy it in, below its lists folder")]
    Missing,
    /// It leads above the folder.
    #[error("leads out of the folder")]
    LeavesRoot,
    /// It includes itself, perhaps by way of others.
    #[error("includes itself")]
    Loop,
    /// Over 16 files deep.
    #[error("is included more than 16 files deep")]
    TooDeep,
}

/// The files of a folder by path.
pub(super) struct Files<'t> {
    by_path: BTreeMap<&'t str, &'t ArchiveFile>,
    aliases: BTreeMap<&'t str, &'t str>,
}

/// One list on its way to being whole.
struct Reading<'t, 'f> {
    /// The files that include each other down to the current one.
    open: Vec<&'t str>,
    read: BTreeSet<&'t str>,
    bytes: Vec<u8>,
    faults: &'f mut Vec<IncludeFault>,
}

impl<'t> Files<'t> {
    pub(super) fn of(tree: &'t Unpacked) -> Files<'t> {
        Files {
            by_path: tree.files.iter().map(|file| (&*file.path, file)).collect(),
            aliases: tree.aliases.iter().map(|alias| (&*alias.name, &*alias.target)).collect(),
        }
    }

    /// The lines of a file with everything that it includes.
    pub(super) fn resolved(&self, file: &'t ArchiveFile, faults: &mut Vec<IncludeFault>) -> Vec<u8> {
        let mut reading = Reading {
            open: Vec::new(),
            read: BTreeSet::new(),
            bytes: Vec::with_capacity(file.bytes.len()),
            faults,
        };
        self.read(file, &mut reading);
        reading.bytes
    }

    fn read(&self, file: &'t ArchiveFile, reading: &mut Reading<'t, '_>) {
        reading.open.push(&file.path);
        reading.read.insert(&file.path);
        let text = file.bytes.strip_suffix(b"\n").unwrap_or(&file.bytes);
        for (line, bytes) in (1u32..).zip(text.split(|&byte| byte == b'\n')) {
            let Some(include) = include(bytes) else {
                reading.bytes.extend_from_slice(bytes);
                reading.bytes.push(b'\n');
                continue;
            };
            match self.included(file, &include, reading) {
                Ok(Some(other)) => self.read(other, reading),
                Ok(None) => {}
                Err(problem) => {
                    let file = file.path.clone();
                    reading.faults.push(IncludeFault { file, line, include, problem });
                }
            }
        }
        reading.open.pop();
    }

    /// The file to be read for an include; `None` if it was read before.
    fn included(
        &self,
        file: &ArchiveFile,
        include: &str,
        reading: &Reading<'t, '_>,
    ) -> Result<Option<&'t ArchiveFile>, IncludeProblem> {
        let found = self.find(&file.path, include)?.ok_or(IncludeProblem::Missing)?;
        if reading.open.contains(&&*found.path) {
            return Err(IncludeProblem::Loop);
        }
        if reading.open.len() > MAX_DEPTH {
            return Err(IncludeProblem::TooDeep);
        }
        Ok(Some(found).filter(|found| !reading.read.contains(&*found.path)))
    }

    /// Looks beside the including file, then in each folder above it. Of an absolute path what
    /// stands behind `lists/` counts: the folder was copied from elsewhere.
    fn find(&self, from: &str, include: &str) -> Result<Option<&'t ArchiveFile>, IncludeProblem> {
        let below = include.strip_prefix("__LISTDIR__/").unwrap_or(include);
        let below = match below.strip_prefix('/') {
            None => below,
            Some(absolute) => match behind_lists(absolute) {
                Some(rest) => rest,
                None => return Ok(None),
            },
        };
        let mut folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut left_root = true;
        loop {
            if let Some(path) = joined(folder, below) {
                left_root = false;
                if let Some(file) = self.file(&path) {
                    return Ok(Some(file));
                }
                if let Some(file) = joined(folder, "lists").and_then(|lists| joined(&lists, below))
                    && let Some(file) = self.file(&file)
                {
                    return Ok(Some(file));
                }
            }
            if folder.is_empty() {
                return if left_root { Err(IncludeProblem::LeavesRoot) } else { Ok(None) };
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    /// The file of a path, perhaps by way of a link to it or to a folder above it.
    fn file(&self, path: &str) -> Option<&'t ArchiveFile> {
        if let Some(file) = self.by_path.get(path) {
            return Some(file);
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.filter_map(|end| {
            let target = self.aliases.get(&path[..end])?;
            self.by_path.get(&*format!("{target}{}", &path[end..])).copied()
        })
        .next()
    }
}

/// The path of an include line.
fn include(line: &[u8]) -> Option<String> {
    let rest = line.trim_ascii_start().strip_prefix(b".Include<")?;
    let end = rest.iter().position(|&byte| byte == b'>')?;
    Some(String::from_utf8_lossy(&rest[..end]).trim().to_owned())
}

/// What of a path stands behind its last folder called `lists`.
fn behind_lists(path: &str) -> Option<&str> {
    let after = |(at, _): (usize, &str)| at == 0 || path[..at].ends_with('/');
    let (at, folder) = path.rmatch_indices("lists/").find(|&found| after(found))?;
    Some(&path[at + folder.len()..])
}

/// A path below a folder, dots resolved; `None` if it leads above the root.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
