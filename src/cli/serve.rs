//! `schoolgate serve`: runs the gateway in the foreground.

use std::path::Path;
use std::process::ExitCode;

use crate::settings::Settings;
use crate::telemetry;

pub(super) fn run(settings: &Settings, config: &Path) -> anyhow::Result<ExitCode> {
    telemetry::start_diagnostics()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("proxy").build()?;
    runtime.block_on(crate::app::serve(settings, config))?;
    Ok(ExitCode::SUCCESS)
}
