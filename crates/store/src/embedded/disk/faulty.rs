//! A disk in memory that does everything a disk may do to a store.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Disk, DiskFile};

const SECTOR: usize = 512;

/// What power loss leaves of the writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerLoss {
    /// All: only the process has died.
    KeepsAll,
    /// Nothing.
    LosesAll,
    /// Any sectors of them, the last write perhaps cut within a sector.
    KeepsSome,
}

/// What befalls a disk that lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One operation reports an error, done or not.
    Error,
    /// The next sync of a file fails, and what it should have synced never becomes durable.
    LostSync,
    /// There is no more space, until [`FaultyDisk::set_capacity`] gives some.
    Full,
}

/// A [`Disk`] in memory that loses unsynced writes, tears, flips bits, fails and fills up.
/// Clones are the same disk.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    rng: StdRng,
    /// By number, which stays with a file through renames; removed files stay.
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Directory changes since the last sync of the directory: a name and what it names now.
    unsynced_names: Vec<(String, Option<usize>)>,
    /// Operations until the process dies.
    crash_after: Option<u64>,
    crashed: bool,
    /// What happens, and after how many operations.
    fault: Option<(u64, Fault)>,
    failing_syncs: u64,
    capacity: usize,
    syncs: u64,
}

#[derive(Clone, Debug, Default)]
struct Content {
    current: Vec<u8>,
    durable: Vec<u8>,
    /// The parts of `current` written since the last sync, in order.
    unsynced: Vec<std::ops::Range<usize>>,
}

impl FaultyDisk {
    /// An empty disk without faults; `seed` decides what power loss keeps.
    pub fn new(seed: u64) -> FaultyDisk {
        FaultyDisk::with(StdRng::seed_from_u64(seed), Vec::new(), BTreeMap::new())
    }

    fn with(rng: StdRng, files: Vec<Content>, names: BTreeMap<String, usize>) -> FaultyDisk {
        let state = State {
            rng,
            files,
            durable_names: names.clone(),
            names,
            unsynced_names: Vec::new(),
            crash_after: None,
            crashed: false,
            fault: None,
            failing_syncs: 0,
            capacity: usize::MAX,
            syncs: 0,
        };
        FaultyDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Lets the process die in the operation after this many: that one is done or not, and
    /// every later one fails.
    pub fn crash_after(&self, operations: u64) {
        self.state.lock().crash_after = Some(operations);
    }

    /// Whether the process has died.
    pub fn has_crashed(&self) -> bool {
        self.state.lock().crashed
    }

    /// Lets something happen in the operation after this many.
    pub fn fault_after(&self, operations: u64, fault: Fault) {
        self.state.lock().fault = Some((operations, fault));
    }

    /// Whether what [`FaultyDisk::fault_after`] announced is still to come.
    pub fn awaits_fault(&self) -> bool {
        let state = self.state.lock();
        state.fault.is_some() || state.failing_syncs > 0
    }

    /// Lets the next syncs of files fail. What they should have synced never becomes durable,
    /// although later syncs succeed.
    pub fn fail_syncs(&self, count: u64) {
        self.state.lock().failing_syncs = count;
    }

    /// Limits the bytes in all files.
    pub fn set_capacity(&self, bytes: usize) {
        self.state.lock().capacity = bytes;
    }

    /// How many syncs of files have succeeded.
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// Flips a bit of a file, also in what is durable. Says whether the file is that long.
    pub fn flip_bit(&self, name: &str, bit: usize) -> bool {
        let mut state = self.state.lock();
        let Some(number) = state.names.get(name).copied() else { return false };
        let Content { current, durable, .. } = &mut state.files[number];
        let (byte, mask) = (bit / 8, 1 << (bit % 8));
        for bytes in [&mut *current, durable] {
            if let Some(byte) = bytes.get_mut(byte) {
                *byte ^= mask;
            }
        }
        byte < current.len()
    }

    /// The disk as the next process finds it. This one is dead from now on.
    pub fn power_loss(&self, loss: PowerLoss) -> FaultyDisk {
        let mut state = self.state.lock();
        state.crashed = true;
        let seed = state.rng.random();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut names = state.durable_names.clone();
        let changes = state.unsynced_names.len();
        let kept = match loss {
            PowerLoss::KeepsAll => changes,
            PowerLoss::LosesAll => 0,
            PowerLoss::KeepsSome => rng.random_range(0..=changes),
        };
        for (name, number) in &state.unsynced_names[..kept] {
            set_name(&mut names, name, *number);
        }
        let files = state.files.iter().map(|content| content.survive(loss, &mut rng)).collect();
        FaultyDisk::with(rng, files, names)
    }

    fn file(&self, number: usize) -> Box<dyn DiskFile> {
        Box::new(File { disk: self.clone(), number })
    }
}

impl Content {
    fn survive(&self, loss: PowerLoss, rng: &mut StdRng) -> Content {
        let bytes = match loss {
            PowerLoss::KeepsAll => self.current.clone(),
            PowerLoss::LosesAll => self.durable.clone(),
            PowerLoss::KeepsSome => self.mix(rng),
        };
        Content { current: bytes.clone(), durable: bytes, unsynced: Vec::new() }
    }

    fn mix(&self, rng: &mut StdRng) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        if self.current.len() < bytes.len() && rng.random() {
            bytes.truncate(self.current.len());
        }
        let last = self.unsynced.len().wrapping_sub(1);
        for (index, range) in self.unsynced.iter().enumerate() {
            if index == last && rng.random() {
                copy(&mut bytes, &self.current, range.start..rng.random_range(range.clone()));
                continue;
            }
            let mut start = range.start;
            while start < range.end {
                let end = (start + 1).next_multiple_of(SECTOR).min(range.end);
                if rng.random() {
                    copy(&mut bytes, &self.current, start..end);
                }
                start = end;
            }
        }
        bytes
    }
}

/// Copies a part of one content to the same place of another, which grows as needed.
fn copy(to: &mut Vec<u8>, from: &[u8], range: std::ops::Range<usize>) {
    let end = range.end.min(from.len());
    if range.start < end {
        if to.len() < end {
            to.resize(end, 0);
        }
        to[range.start..end].copy_from_slice(&from[range.start..end]);
    }
}

fn set_name(names: &mut BTreeMap<String, usize>, name: &str, number: Option<usize>) {
    match number {
        Some(number) => names.insert(name.to_owned(), number),
        None => names.remove(name),
    };
}

impl State {
    fn alive(&self) -> io::Result<()> {
        if self.crashed { Err(io::Error::other("the process is dead")) } else { Ok(()) }
    }

    /// Counts an operation down and does it; at the crash point only perhaps.
    fn operate<T>(&mut self, step: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.alive()?;
        match self.fault.take() {
            Some((0, Fault::Error)) => {
                if self.rng.random() {
                    step(self)?;
                }
                return Err(io::Error::other("the operation fails"));
            }
            Some((0, Fault::LostSync)) => self.failing_syncs += 1,
            Some((0, Fault::Full)) => self.capacity = 0,
            waiting => self.fault = waiting.map(|(left, fault)| (left - 1, fault)),
        }
        match &mut self.crash_after {
            Some(0) => {
                if self.rng.random() {
                    step(self)?;
                }
                self.crashed = true;
                Err(io::Error::other("the process dies here"))
            }
            Some(left) => {
                *left -= 1;
                step(self)
            }
            None => step(self),
        }
    }

    fn number(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&mut self, name: &str, number: Option<usize>) {
        set_name(&mut self.names, name, number);
        self.unsynced_names.push((name.to_owned(), number));
    }

    fn check_space(&self, more: usize) -> io::Result<()> {
        let used: usize = self.names.values().map(|number| self.files[*number].current.len()).sum();
        if more > 0 && used + more > self.capacity { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for FaultyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        state.alive()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        let number = self.state.lock().operate(|state| {
            let length = reserve as usize;
            state.check_space(length)?;
            let number = state.files.len();
            let unsynced = Some(0..length).into_iter().filter(|range| !range.is_empty()).collect();
            state.files.push(Content { current: vec![0; length], durable: Vec::new(), unsynced });
            state.rename(name, Some(number));
            Ok(number)
        });
        Ok(self.file(number?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state.lock();
        state.alive()?;
        Ok(self.file(state.number(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.state.lock().operate(|state| {
            let number = state.number(from)?;
            // one step for the directory: the new name first, so that no prefix loses the file
            state.rename(to, Some(number));
            state.rename(from, None);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state.lock().operate(|state| {
            state.number(name)?;
            state.rename(name, None);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.state.lock().operate(|state| {
            state.durable_names = state.names.clone();
            state.unsynced_names.clear();
            Ok(())
        })
    }
}

#[derive(Debug)]
struct File {
    disk: FaultyDisk,
    number: usize,
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state.lock();
        state.alive()?;
        Ok(state.files[self.number].current.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state.lock();
        state.alive()?;
        let offset = offset as usize;
        let content = state.files[self.number].current.get(offset..offset + buffer.len());
        buffer.copy_from_slice(content.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.state.lock().operate(|state| {
            let range = offset as usize..offset as usize + bytes.len();
            let length = state.files[self.number].current.len();
            state.check_space(range.end.saturating_sub(length))?;
            let content = &mut state.files[self.number];
            content.current.resize(length.max(range.end), 0);
            content.current[range.clone()].copy_from_slice(bytes);
            content.unsynced.push(range);
            Ok(())
        })
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.disk.state.lock().operate(|state| {
            state.files[self.number].current.truncate(length as usize);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.state.lock().operate(|state| {
            let content = &mut state.files[self.number];
            let unsynced = std::mem::take(&mut content.unsynced);
            if state.failing_syncs > 0 {
                state.failing_syncs -= 1;
                return Err(io::Error::other("the sync fails"));
            }
            unsynced.into_iter().for_each(|range| copy(&mut content.durable, &content.current, range));
            content.durable.truncate(content.current.len());
            state.syncs += 1;
            Ok(())
        })
    }
}
