//! Log output: to standard error, in the format and at the level asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// Libraries that tell every request at `info`; what is asked for goes over it.
const QUIET: &str = "hickory_server=warn";

/// Starts logging. A filter that cannot be read is reported and replaced by `info`.
pub(crate) fn start(filter: &str, format: LogFormat) {
    let parsed = EnvFilter::try_new(format!("{QUIET},{filter}")).unwrap_or_else(|e| {
        eprintln!("warning: --log {filter:?} cannot be read ({e}); using info");
        EnvFilter::new(format!("{QUIET},info"))
    });
    let builder = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().init(),
    }
}
