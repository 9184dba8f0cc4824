//! Which pod has which address, kept in files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;

use crate::Error;

/// The name of the file that says which address was handed out last.
const LAST: &str = "last";

/// Addresses of a range by the pods that have them.
///
/// A file per address holds the pod's id, so that a write is one rename and a crash loses nothing.
#[derive(Debug)]
pub(super) struct Addresses {
    dir: PathBuf,
    range: Ipv4Net,
    owners: BTreeMap<Ipv4Addr, String>,
    last: Option<Ipv4Addr>,
}

/// The node's own address among those of its pods: the first that is not the network's.
///
/// Fails where no pod would fit beside it.
pub(crate) fn gateway_of(range: Ipv4Net) -> Result<Ipv4Addr, Error> {
    match range.hosts().next() {
        Some(first) if range.prefix_len() <= 30 => Ok(first),
        _ => Err(Error::TooSmall(range)),
    }
}

impl Addresses {
    /// Reads what is recorded in a directory, which is made where it is missing. Files that say nothing are
    /// ignored.
    pub fn open(dir: &Path, range: Ipv4Net) -> Result<Self, Error> {
        gateway_of(range)?;
        fs::create_dir_all(dir).map_err(Error::file("creating", dir))?;
        let mut owners = BTreeMap::new();
        for file in fs::read_dir(dir).map_err(Error::file("reading", dir))? {
            let path = file.map_err(Error::file("reading", dir))?.path();
            let Some(address) = path.file_name().and_then(|name| name.to_str()?.parse().ok()) else {
                continue;
            };
            let id = fs::read_to_string(&path).map_err(Error::file("reading", &path))?;
            if !id.is_empty() {
                owners.insert(address, id);
            }
        }
        let last = fs::read_to_string(dir.join(LAST)).ok().and_then(|text| text.parse().ok());
        Ok(Self { dir: dir.to_owned(), range, owners, last })
    }

    /// The address of a pod, if it has one.
    pub fn of(&self, id: &str) -> Option<Ipv4Addr> {
        self.owners.iter().find(|(_, owner)| *owner == id).map(|(address, _)| *address)
    }

    /// All pods that have an address.
    pub fn owners(&self) -> Vec<String> {
        self.owners.values().cloned().collect()
    }

    /// The address of a pod; where it has none yet, the one that was not handed out for longest.
    pub fn take(&mut self, id: &str) -> Result<Ipv4Addr, Error> {
        if let Some(address) = self.of(id) {
            return Ok(address);
        }
        let address = next(self.range, self.last, |address| !self.owners.contains_key(&address))
            .ok_or(Error::NoAddress(self.range))?;
        write(&self.dir, &address.to_string(), id)?;
        self.owners.insert(address, id.to_owned());
        self.last = Some(address);
        write(&self.dir, LAST, &address.to_string())?;
        Ok(address)
    }

    /// Frees the address of a pod, if it has one.
    pub fn free(&mut self, id: &str) -> Result<(), Error> {
        let Some(address) = self.of(id) else { return Ok(()) };
        let path = self.dir.join(address.to_string());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("removing", &path)(error));
            }
            _ => {}
        }
        self.owners.remove(&address);
        Ok(())
    }
}

/// The first free address after the last one, going round; never the network's, the gateway's or the
/// broadcast address.
fn next(range: Ipv4Net, last: Option<Ipv4Addr>, free: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
    let first = u32::from(range.network()).checked_add(2)?;
    let end = u32::from(range.broadcast());
    let start =
        last.map(|address| u32::from(address).saturating_add(1)).filter(|start| (first..end).contains(start));
    let start = start.unwrap_or(first);
    (start..end).chain(first..start).map(Ipv4Addr::from).find(|address| free(*address))
}

fn write(dir: &Path, name: &str, content: &str) -> Result<(), Error> {
    let (path, draft) = (dir.join(name), dir.join(format!(".{name}")));
    fs::write(&draft, content).map_err(Error::file("writing", &draft))?;
    fs::rename(&draft, &path).map_err(Error::file("writing", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn address(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_go_round_and_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut all = Addresses::open(dir.path(), range("10.0.0.0/29")).unwrap();
        let taken: Vec<_> = ["a", "b", "c"].map(|id| all.take(id).unwrap()).into();
        assert_eq!(taken, ["10.0.0.2", "10.0.0.3", "10.0.0.4"].map(address));
        assert_eq!(all.take("b").unwrap(), address("10.0.0.3"));
        all.free("a").unwrap();
        all.free("a").unwrap();
        assert_eq!(["d", "e"].map(|id| all.take(id).unwrap()), ["10.0.0.5", "10.0.0.6"].map(address));
        assert_eq!(all.take("f").unwrap(), address("10.0.0.2"));
        let full = all.take("g").unwrap_err();
        assert_eq!(full.to_string(), "no free address in 10.0.0.0/29");
    }

    #[test]
    fn what_is_recorded_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut all = Addresses::open(dir.path(), range("10.0.0.0/29")).unwrap();
        all.take("a").unwrap();
        all.take("pod/with ../odd id").unwrap();
        all.free("a").unwrap();
        fs::write(dir.path().join("10.0.0.6"), "").unwrap();
        fs::write(dir.path().join(".10.0.0.5"), "half").unwrap();
        let mut again = Addresses::open(dir.path(), range("10.0.0.0/29")).unwrap();
        assert_eq!(again.owners(), ["pod/with ../odd id"]);
        assert_eq!(again.of("pod/with ../odd id"), Some(address("10.0.0.3")));
        assert_eq!(again.take("b").unwrap(), address("10.0.0.4"));
    }

    #[test]
    fn a_range_needs_room() {
        assert_eq!(gateway_of(range("10.0.0.0/30")).unwrap(), address("10.0.0.1"));
        assert_eq!(gateway_of(range("10.0.0.8/24")).unwrap(), address("10.0.0.1"));
        assert!(gateway_of(range("10.0.0.0/31")).is_err());
        assert!(gateway_of(range("10.0.0.0/32")).is_err());
    }
}
