//! `berth`: every part of the orchestrator, and its command line, in one binary.

mod cli;
mod images;
mod join;
mod metrics_page;
mod parts;
mod ranges;
mod store_files;
mod stores;
mod telemetry;
mod tokens;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    telemetry::start(&cli.log, cli.log_format);
    // A verb of the command line is one task; threads would only delay its first byte.
    let mut builder = match cli.command {
        cli::Command::Ctl(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&e.into()),
    };
    match runtime.block_on(parts::run(cli.command, cli.global)) {
        Ok(code) => code,
        Err(e) => fail(&e),
    }
}

/// Says what is wrong with the command line: a wrong value in one line, all else as clap has it.
fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            eprintln!("{}", one_line(&error.render().to_string()));
        }
        _ => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}

/// What clap says of a value, without its advice.
fn one_line(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let told =
        lines.take_while(|line| !line.starts_with("tip:") && !line.starts_with("For more information"));
    told.collect::<Vec<_>>().join(" ")
}

/// Errors of a verb are told in kubectl's words, all others with what led to them.
fn fail(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<ctl::Error>() {
        Some(error) => eprintln!("{error}"),
        None => eprintln!("error: {}", told(error)),
    }
    ExitCode::FAILURE
}

/// An error and what led to it, each once: some errors say their cause themselves.
fn told(error: &anyhow::Error) -> String {
    let mut told = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let check = |causes: &[&str], expect: &str| {
            let mut causes = causes.iter().rev().map(|&cause| cause.to_owned());
            let last = anyhow::Error::msg(causes.next().expect("a cause"));
            assert_eq!(told(&causes.fold(last, anyhow::Error::context)), expect);
        };
        check(&["a"], "a");
        check(&["a", "b", "c"], "a: b: c");
        check(&["a: b", "b", "c"], "a: b: c");
        check(&["a", "b: c", "c"], "a: b: c");
    }

    #[test]
    fn a_wrong_value_is_told_in_one_line() {
        let said = "error: invalid value 'jsn' for '--log-format <F>'\n  [possible values: text, json]\n\n  \
            tip: a similar value exists: 'json'\n\nFor more information, try '--help'.\n";
        assert_eq!(
            one_line(said),
            "error: invalid value 'jsn' for '--log-format <F>' [possible values: text, json]"
        );
    }
}
