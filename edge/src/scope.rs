//! Which assets and jobs a caller may see and change. Every query for a caller goes through a [`Scope`], so for the caller
//! everything else does not exist.

use shared::auth::{Principal, Role, check_name};
use shared::problem::ErrorCode;

use crate::error::{Error, Result};

/// A tenant, and either one or all of its users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The tenant.
    pub(crate) tenant: String,
    /// The only user whose assets are visible; `None`: all users of the tenant.
    pub(crate) user: Option<String>,
    /// The user to whom new assets belong and whose events are streamed.
    pub(crate) acting_user: String,
}

impl Scope {
    /// Whether an asset or job of this tenant and user is visible.
    pub(crate) fn covers(&self, tenant: &str, user: &str) -> bool {
        self.tenant == tenant && self.user.as_deref().is_none_or(|own| own == user)
    }

    /// Scope of `principal`, acting for the user `on_behalf_of` if there is one.
    ///
    /// # Errors
    /// `query_invalid` for an invalid user name, `role_forbidden` when the role may not act for another user.
    pub(crate) fn of(principal: &Principal, on_behalf_of: Option<&str>) -> Result<Self> {
        if let Some(user) = on_behalf_of {
            check_name("on_behalf_of", user)
                .map_err(|failure| Error::problem(ErrorCode::QueryInvalid, failure.detail))?;
        }
        let own = |user: &str| Self {
            tenant: principal.tenant.clone(),
            user: Some(user.to_owned()),
            acting_user: user.to_owned(),
        };
        match (principal.role, on_behalf_of) {
            (Role::Worker, _) => Err(Error::problem(
                ErrorCode::RoleForbidden,
                "The role worker cannot call user operations.",
            )),
            (Role::User, Some(user)) if user != principal.user => Err(Error::problem(
                ErrorCode::RoleForbidden,
                "Only the roles service and admin may act for another user.",
            )),
            (Role::Service | Role::Admin, Some(user)) => Ok(own(user)),
            (Role::User | Role::Service, _) => Ok(own(&principal.user)),
            (Role::Admin, None) => Ok(Self {
                tenant: principal.tenant.clone(),
                user: None,
                acting_user: principal.user.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(role: Role) -> Principal {
        Principal {
            tenant: "t".into(),
            user: "alice".into(),
            role,
        }
    }

    #[test]
    fn scopes_by_role() {
        let user = |role, on_behalf_of| {
            Scope::of(&principal(role), on_behalf_of)
                .map(|scope| scope.user)
                .map_err(|error| error.failure().code)
        };
        assert_eq!(user(Role::User, None), Ok(Some("alice".into())));
        assert_eq!(user(Role::User, Some("alice")), Ok(Some("alice".into())));
        assert_eq!(user(Role::User, Some("bob")), Err(ErrorCode::RoleForbidden));
        assert_eq!(user(Role::Service, None), Ok(Some("alice".into())));
        assert_eq!(user(Role::Service, Some("bob")), Ok(Some("bob".into())));
        assert_eq!(user(Role::Admin, None), Ok(None));
        assert_eq!(user(Role::Admin, Some("bob")), Ok(Some("bob".into())));
        assert_eq!(user(Role::Worker, None), Err(ErrorCode::RoleForbidden));
        assert_eq!(user(Role::Service, Some("")), Err(ErrorCode::QueryInvalid));
    }
}
