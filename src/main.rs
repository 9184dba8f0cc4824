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

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
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

/// Errors of a verb are told in kubectl's words, all others with what led to them.
fn fail(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<ctl::Error>() {
        Some(error) => eprintln!("{error}"),
        None => eprintln!("error: {error:#}"),
    }
    ExitCode::FAILURE
}
