//! `cargo xtask token`: development tokens, signed with a key that belongs to the checkout.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use client::Client;
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use shared::auth::{Principal, Role, TokenPolicy};
use shared::time::Timestamp;

use crate::paths::Paths;
use crate::say;

/// Issuer and audience of development tokens.
const ISSUER: &str = "ferrotype-dev";
const AUDIENCE: &str = "ferrotype";
const VALID: Duration = Duration::from_hours(24);

/// Hexadecimal digits of the development key.
const KEY_DIGITS: usize = 64;

/// The claims of a token.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Tenant of the token.
    #[arg(long, default_value = "demo")]
    pub(crate) tenant: String,
    /// User of the token, its `sub`.
    #[arg(long, default_value = "demo-user")]
    pub(crate) user: String,
    /// What the token allows: user, service, admin or worker.
    #[arg(long, default_value = "user", value_parser = parse_role)]
    pub(crate) role: Role,
}

/// Prints a token.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    say::line(DevKey::of(paths)?.token(options)?);
    Ok(())
}

/// The development key of the checkout: 64 hexadecimal digits, used as text.
#[derive(Clone)]
pub(crate) struct DevKey {
    secret: String,
}

impl DevKey {
    /// Reads the key; makes one on first use.
    pub(crate) fn of(paths: &Paths) -> Result<Self> {
        let path = paths.private.join("dev-key");
        for _ in 0..2 {
            match fs::read_to_string(&path) {
                Ok(text) if text.trim().len() == KEY_DIGITS => {
                    let secret = text.trim().to_owned();
                    return Ok(Self { secret });
                }
                Ok(_) => bail!(
                    "{} is not a development key: remove it to get a new one",
                    path.display()
                ),
                Err(error) if error.kind() == ErrorKind::NotFound => make_key(&path)?,
                Err(error) => return Err(error.into()),
            }
        }
        bail!("cannot make {}", path.display())
    }

    /// The key as the edge reads it from `JWT_SECRET`.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// A token with the claims `options`, valid for 24 hours from now.
    pub(crate) fn token(&self, options: &Options) -> Result<String> {
        self.token_for(options, VALID)
    }

    /// As [`DevKey::token`], valid for `valid` from now.
    pub(crate) fn token_for(&self, options: &Options, valid: Duration) -> Result<String> {
        let principal = Principal {
            tenant: options.tenant.clone(),
            user: options.user.clone(),
            role: options.role,
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock is before 1970")?;
        let now = Timestamp::from_ms(u64::try_from(now.as_millis()).context("the clock")?);
        let policy = TokenPolicy::new(self.secret.as_bytes(), ISSUER, AUDIENCE);
        policy
            .sign(&principal, now, u32::try_from(valid.as_secs())?)
            .context("cannot sign the token")
    }
}

/// A client of the edge at `origin` with a token of the user `user` of `tenant`.
///
/// # Errors
///
/// When the development key cannot be read or made, or the token cannot be signed.
pub fn client(paths: &Paths, origin: &str, tenant: &str, user: &str) -> Result<Client> {
    let token = DevKey::of(paths)?.token(&Options {
        tenant: tenant.to_owned(),
        user: user.to_owned(),
        role: Role::User,
    })?;
    Ok(Client::new(origin, token))
}

/// Random bytes in hexadecimal, `2 × BYTES` digits.
pub(crate) fn random_hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).context("the system has no random bytes")?;
    Ok(hex::encode(bytes))
}

/// Makes a key at `path` unless another process was faster: it is written beside and linked, so that both read the same.
fn make_key(path: &Path) -> Result<()> {
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(random_hex::<{ KEY_DIGITS / 2 }>()?.as_bytes())?;
    let _ = fs::hard_link(&fresh, path);
    Ok(fs::remove_file(&fresh)?)
}

fn parse_role(text: &str) -> Result<Role> {
    let names = Role::ALL.iter().map(|role| role.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    text.parse()
        .with_context(|| format!("must be one of: {names}"))
}
