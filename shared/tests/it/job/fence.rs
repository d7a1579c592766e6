//! Lease tokens and their hashes.

use shared::job::LeaseHash;

#[test]
fn a_lease_is_stored_as_its_hash() {
    // FIPS 180-2, appendix B.1: SHA-256 of "abc" is ba7816bf…f20015ad; here in base64url.
    let hash = LeaseHash::of("abc");
    assert_eq!(hash.as_str(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    assert_eq!(LeaseHash::stored(hash.as_str().to_owned()), hash);
}
