//! An archive of what is in a container, over as many sessions as it takes.

use std::cell::Cell;
use std::io::{self, PipeWriter, Write};
use std::rc::Rc;
use std::time::Duration;

use super::Remote;
use crate::Error;
use crate::remote::Ends;

/// How long a connection that broke is left alone.
const PAUSE: Duration = Duration::from_secs(1);

impl Remote<'_> {
    /// Writes the archive of a path, and goes on with it where its stream breaks off, so many times; gives the exit code
    /// of the last command. The archive must come out the same each time.
    pub(super) async fn fetch(&self, source: &str, to: PipeWriter, retries: i64) -> Result<i32, Error> {
        let written = Rc::<Cell<u64>>::default();
        let mut tried = 0;
        loop {
            let to = to.try_clone().map_err(|source| Error::File { path: "a pipe".into(), source })?;
            let stdout = Box::new(Counted { to, written: written.clone() });
            let ends = Ends { stdin: None, stdout, stderr: Box::new(io::stderr()) };
            let command = archive(source, written.get());
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            match self.run(&command, ends).await {
                Err(error) if retries == 0 || !has_broken(&error) => return Err(error),
                Err(error) if tried == retries => {
                    println!("Dropping out copy after {tried} retries");
                    return Err(error);
                }
                Err(_) => tried += 1,
                ended => return ended,
            }
            println!("Resuming copy at {} bytes, retry {tried}/{retries}", written.get());
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The command that writes the archive of a path from an offset on.
fn archive(source: &str, offset: u64) -> Vec<String> {
    let from = (offset + 1).to_string();
    let command: &[&str] = match offset {
        0 => &["tar", "cf", "-", source],
        _ => &["sh", "-c", "tar cf - \"$1\" | tail -c+\"$2\"", "sh", source, &from],
    };
    command.iter().map(|&word| word.to_owned()).collect()
}

/// Whether it is the way to the container that broke, not the copy.
fn has_broken(error: &Error) -> bool {
    matches!(error, Error::Message(_) | Error::Refused(_) | Error::Client(_))
}

/// Counts what has been written.
struct Counted {
    to: PipeWriter,
    written: Rc<Cell<u64>>,
}

impl Write for Counted {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        let length = self.to.write(content)?;
        self.written.set(self.written.get() + length as u64);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_pieces_of_an_archive_are_the_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a file's \"name\"");
        std::fs::write(&file, "content").unwrap();
        let run = |offset: u64| {
            let command = archive(file.to_str().unwrap(), offset);
            let output = Command::new(&command[0]).args(&command[1..]).output().unwrap();
            assert!(output.status.success());
            output.stdout
        };
        let whole = run(0);
        assert!(whole.len() > 1000);
        for offset in [1, 512, 700] {
            assert!(run(offset) == whole[offset as usize..], "from {offset} on");
        }
    }
}
