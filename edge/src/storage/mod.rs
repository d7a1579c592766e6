//! Object storage: two buckets, by their R2 bindings.

pub(crate) mod output;
pub(crate) mod removal;

use shared::asset::Visibility;
use shared::worker::BucketRole;
use worker::Bucket;

use crate::app::App;
use crate::error::Result;

/// The bucket of originals and private outputs.
///
/// # Errors
/// When the binding is missing.
pub(crate) fn raw(app: &App) -> Result<Bucket> {
    Ok(app.env.bucket("RAW")?)
}

/// The bucket of public outputs.
///
/// # Errors
/// When the binding is missing.
pub(crate) fn public(app: &App) -> Result<Bucket> {
    Ok(app.env.bucket("PUBLIC")?)
}

/// The bucket of outputs of an asset with this visibility.
///
/// # Errors
/// When the binding is missing.
pub(crate) fn outputs(app: &App, visibility: Visibility) -> Result<Bucket> {
    match role(visibility) {
        BucketRole::Public => public(app),
        BucketRole::Raw => raw(app),
    }
}

/// Which bucket holds the outputs of an asset with this visibility.
pub(crate) const fn role(visibility: Visibility) -> BucketRole {
    match visibility {
        Visibility::Public => BucketRole::Public,
        Visibility::Private => BucketRole::Raw,
    }
}
