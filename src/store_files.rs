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
            let restored = maintenance::restore(file, &dir, *replace);
            restored.with_context(|| format!("cannot restore {}", file.display()))?
        }
        StoreVerb::Compact => done(maintenance::compact(&dir))?,
        StoreVerb::Repair => {
            let (contents, damages) = maintenance::repair(&dir)?;
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
    println!("{file}: {bytes} bytes at offset {offset} could not be read; kept as {file}.damaged");
}

/// Says what can be done about a store that cannot be used.
pub(crate) fn explain(error: Error, data_dir: &Path) -> anyhow::Error {
    let advice = match &error {
        Error::Corrupt { .. } => {
            let dir = data_dir.display();
            format!(
                "; restore a snapshot (`berth store restore FILE --replace --data-dir {dir}`), or go on without \
                 what cannot be read (`berth store repair --data-dir {dir}`)"
            )
        }
        _ => String::new(),
    };
    anyhow!("cannot open the store: {error}{advice}")
}
