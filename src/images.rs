//! `berth image`: the images of this machine.

use anyhow::{Context, bail};
use containerd::{Credentials, Image, Progress, Registries};

use crate::cli::{ImageArgs, ImageVerb};

/// Does it, and prints what a script can read.
pub(crate) async fn run(args: ImageArgs) -> anyhow::Result<()> {
    let engine = nodeagent::engine(&args.containerd, &args.containerd_namespace, &args.run_dir)?;
    match args.verb {
        ImageVerb::Import { file } => {
            for image in engine.import(&file).await? {
                println!("{}", image.name);
            }
        }
        ImageVerb::List => print!("{}", table(&engine.images().await?)),
        ImageVerb::Pull { image, creds } => {
            let credentials = creds.as_deref().map(credentials).transpose()?;
            let registries = Registries { dir: args.registry_config };
            let pulled =
                engine.pull(&image, &registries, credentials.as_slice(), &Progress::default()).await?;
            println!("{}", pulled.name);
        }
        ImageVerb::Remove { images } => {
            for image in images {
                if !engine.remove_image(&image).await? {
                    bail!("there is no image {image:?}");
                }
                println!("{image}");
            }
        }
    }
    Ok(())
}

fn credentials(text: &str) -> anyhow::Result<Credentials> {
    let (username, password) = text.split_once(':').context("--creds is NAME:PASSWORD")?;
    Ok(Credentials { username: username.to_owned(), password: password.to_owned() })
}

fn table(images: &[Image]) -> String {
    let row = |image: &Image| {
        let (name, tag) = split(&image.name);
        let id = image.id.trim_start_matches("sha256:").chars().take(13).collect();
        [name.to_owned(), tag.to_owned(), id, size(image.size)]
    };
    let mut rows = vec![["IMAGE", "TAG", "IMAGE ID", "SIZE"].map(str::to_owned)];
    rows.extend(images.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0) + 2;
    let widths = [width(0), width(1), width(2)];
    let line = |[name, tag, id, size]: &[String; 4]| {
        let [a, b, c] = widths;
        format!("{name:a$}{tag:b$}{id:c$}{size}\n")
    };
    rows.iter().map(line).collect()
}

/// A full name's repository, and its tag where it has one.
fn split(name: &str) -> (&str, &str) {
    if let Some((repository, _)) = name.split_once('@') {
        return (repository, "<none>");
    }
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "<none>"),
    }
}

/// A size in powers of ten, with three digits.
fn size(bytes: u64) -> String {
    let (mut value, mut units) = (bytes as f64, ["B", "kB", "MB", "GB", "TB"].iter());
    let mut unit = units.next();
    while value >= 1000.0 {
        let Some(next) = units.next() else { break };
        (value, unit) = (value / 1000.0, Some(next));
    }
    let digits = if value >= 100.0 || unit == Some(&"B") {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$}{}", unit.unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes() {
        assert_eq!(split("docker.io/library/web:1"), ("docker.io/library/web", "1"));
        assert_eq!(split("localhost:5000/web@sha256:ab"), ("localhost:5000/web", "<none>"));
        let sizes = [0, 999, 1000, 12_345, 123_456_789, 1_500_000_000].map(size);
        assert_eq!(sizes, ["0B", "999B", "1.00kB", "12.3kB", "123MB", "1.50GB"]);
    }
}
