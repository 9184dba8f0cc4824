//! Log output: to standard error, in the format and at the level asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::cli::LogFormat;

/// Libraries that tell every request at `info`; what is asked for goes over it.
const QUIET: &str = "hickory_server=warn";

/// What a directive may be that names no target.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What `--log` says, where it can be read.
///
/// A word that is no level would be taken for a target, and all else would be silent: it is a mistake.
pub(crate) fn check(filter: &str) -> Result<String, String> {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let mut words = filter.split(',').filter(|word| !word.is_empty() && !word.contains(['=', '[']));
    if let Some(wrong) = words.find(|word| !is_level(word)) {
        return Err(format!("{wrong:?} is none of {}, nor TARGET=LEVEL", LEVELS.join(", ")));
    }
    read(filter).map(|_| filter.to_owned()).map_err(|error| error.to_string())
}

fn read(filter: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{QUIET},{filter}"))
}

/// Starts logging by a filter that was checked.
pub(crate) fn start(filter: &str, format: LogFormat) {
    let filter = read(filter).expect("the command line was checked");
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_checked() {
        for good in ["info", "WARN", "off", "warn,apiserver=debug", "store::etcd=trace", "a[b{c}]=info", ""] {
            assert_eq!(check(good), Ok(good.to_owned()));
        }
        for (wrong, why) in [
            ("wran", "\"wran\" is none of off, error, warn, info, debug, trace, nor TARGET=LEVEL"),
            (
                "info,apiserver",
                "\"apiserver\" is none of off, error, warn, info, debug, trace, nor TARGET=LEVEL",
            ),
            (
                "apiserver=loud",
                "error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5",
            ),
        ] {
            assert_eq!(check(wrong), Err(why.to_owned()));
        }
    }
}
