//! What is wrong with a configuration: everything at once, each with its place and a remedy.

use core::fmt;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

/// Faults found so far. Clones share one list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    file: Rc<str>,
    list: Rc<RefCell<Vec<(String, String)>>>,
}

impl Faults {
    pub(super) fn named(file: Option<&Path>) -> Self {
        let file = file.map_or_else(
            || "development mode".to_owned(),
            |file| file.display().to_string(),
        );
        Self {
            file: file.into(),
            list: Rc::default(),
        }
    }

    /// Notes that what stands at `key` … (the rest of a sentence).
    pub(super) fn add(&self, key: &str, message: &str) {
        self.list
            .borrow_mut()
            .push((key.to_owned(), message.to_owned()));
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.list.borrow().iter().any(|(known, _)| known == key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// Key path and message of each.
    #[cfg(test)]
    pub(crate) fn each(&self) -> Vec<(String, String)> {
        self.list.borrow().clone()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ConfigFaults::from(self.clone()).fmt(f)
    }
}

/// Everything that is wrong with a configuration, as an error.
#[derive(Debug)]
pub(crate) struct ConfigFaults {
    file: String,
    /// Key path and message of each.
    pub(crate) list: Vec<(String, String)>,
}

impl core::error::Error for ConfigFaults {}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, s) = (self.list.len(), if self.list.len() == 1 { "" } else { "s" });
        write!(f, "{n} fault{s} in the configuration ({}):", self.file)?;
        for (key, message) in &self.list {
            if key.is_empty() {
                write!(f, "\n  it {message}")?;
            } else {
                write!(f, "\n  {key}: {message}")?;
            }
        }
        Ok(())
    }
}

impl From<Faults> for ConfigFaults {
    fn from(faults: Faults) -> Self {
        Self {
            file: faults.file.to_string(),
            list: faults.list.borrow().clone(),
        }
    }
}

impl From<Faults> for anyhow::Error {
    fn from(faults: Faults) -> Self {
        Self::new(ConfigFaults::from(faults))
    }
}
