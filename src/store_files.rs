//! `berth store`: what an operator does to the files of the embedded store.

use std::path::Path;

use anyhow::{Context, anyhow};
use store::Error;
use store::maintenance::{self, Contents, Damage};

use crate::cli::{StoreArgs, StoreVerb};

/// Does it, and prints what the store holds then.
pub(crate) fn run(args: &StoreArgs) -> anyhow::Result<()> {
    let dir = args.data_dir.join("store");
    let done = |outcome: Result<Contents, Error>| outcome.map_err(|error| explain(error, &args.data_dir));
    let contents = match &args.verb {
        StoreVerb::Check => done(maintenance::check(&dir))?,
        StoreVerb::Snapshot { file } => done(maintenance::snapshot(&dir, file))?,
        StoreVerb::Restore { file, replace } => {
            let restored = maintenance::restore(file, &dir, *replace).map_err(|error| match error {
                Error::Occupied { .. } => anyhow!("{error}; --replace restores the snapshot in its place"),
                error => error.into(),
            });
            restored.with_context(|| format!("cannot restore {}", file.display()))?
        }
        StoreVerb::Compact => done(maintenance::compact(&dir))?,
        StoreVerb::Repair => {
            let repaired = maintenance::repair(&dir);
            let (contents, damages) = repaired.map_err(|error| explain(error, &args.data_dir))?;
            match damages.as_slice() {
                [] => println!("nothing is damaged, and nothing was changed"),
                damages => damages.iter().for_each(report),
            }
            contents
        }
    };
    let Contents { store, revision, keys, bytes } = contents;
    println!("store {store:016x} at revision {revision}: {keys} keys, {bytes} bytes");
    Ok(())
}

fn report(damage: &Damage) {
    let Damage { file, offset, bytes } = damage;
    println!("{file}: {bytes} bytes from offset {offset} on are given up; kept as {file}.damaged");
}

/// Says what can be done about a store that cannot be used.
pub(crate) fn explain(error: Error, data_dir: &Path) -> anyhow::Error {
    let advice = match &error {
        Error::Corrupt { .. } => {
            let dir = data_dir.display();
            format!(
                "; restore a snapshot (`berth store restore FILE --replace --data-dir {dir}`), or go back to what \
                 was written before the damage (`berth store repair --data-dir {dir}`)"
            )
        }
        _ => String::new(),
    };
    anyhow!("{error}{advice}")
}
