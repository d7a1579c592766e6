//! `cargo xtask token`: development tokens, signed by a key that belongs to the checkout.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use shared::auth::{Principal, Role, TokenPolicy};
use shared::time::Timestamp;

use crate::paths::Paths;
use crate::say;

/// Issuer and audience of development tokens.
const ISSUER: &str = "ferrotype-dev";
const AUDIENCE: &str = "ferrotype";
const VALID: Duration = Duration::from_hours(24);

/// Whose token it is.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Tenant of the token.
    #[arg(long, default_value = "demo")]
    pub tenant: String,
    /// User of the token, its `sub`.
    #[arg(long, default_value = "demo-user")]
    pub user: String,
    /// What the token may do: user, service, admin or worker.
    #[arg(long, default_value = "user", value_parser = parse_role)]
    pub role: Role,
}

/// Prints a token.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    say::line(DevKey::of(paths)?.token(options)?);
    Ok(())
}

/// The development key of the checkout: 64 hexadecimal digits, used as text.
#[derive(Clone)]
pub struct DevKey {
    secret: String,
}

impl DevKey {
    /// Reads the key; makes one on first use.
    pub fn of(paths: &Paths) -> Result<Self> {
        let path = paths.private.join("dev-key");
        for _ in 0..2 {
            match fs::read_to_string(&path) {
                Ok(text) if text.trim().len() == 64 => {
                    return Ok(Self {
                        secret: text.trim().to_owned(),
                    });
                }
                Ok(_) => bail!(
                    "{} is no development key: remove it, and a new one is made",
                    path.display()
                ),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot read {}", path.display()));
                }
            }
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
            let secret = crate::stamp::hex(&bytes);
            // Written beside and linked in one step: of two first uses at once, one wins and both read the same.
            let fresh = path.with_extension(format!("new-{}", std::process::id()));
            File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&fresh)
                .and_then(|mut file| file.write_all(secret.as_bytes()))
                .with_context(|| format!("cannot write {}", fresh.display()))?;
            let _ = fs::hard_link(&fresh, &path);
            fs::remove_file(&fresh)
                .with_context(|| format!("cannot remove {}", fresh.display()))?;
        }
        bail!("cannot make {}", path.display())
    }

    /// The key as the edge gets it, in `JWT_SECRET`.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// A token as `options` wants it, issued now.
    pub fn token(&self, options: &Options) -> Result<String> {
        self.token_for(options, VALID)
    }

    /// The same, with a life of its own.
    pub fn token_for(&self, options: &Options, valid: Duration) -> Result<String> {
        let principal = Principal {
            tenant: options.tenant.clone(),
            user: options.user.clone(),
            role: options.role,
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock stands before 1970")?;
        let now = Timestamp::from_ms(u64::try_from(now.as_millis()).context("the clock")?);
        let policy = TokenPolicy::new(self.secret.as_bytes(), ISSUER, AUDIENCE);
        policy
            .sign(&principal, now, u32::try_from(valid.as_secs())?)
            .context("cannot sign the token")
    }
}

fn parse_role(text: &str) -> Result<Role> {
    let words = Role::ALL
        .iter()
        .map(|role| role.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    text.parse()
        .with_context(|| format!("expected one of {words}"))
}
