//! Every developer command of Ferrotype: `cargo xtask --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::cli::main()
}
