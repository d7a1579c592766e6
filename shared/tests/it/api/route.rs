//! The contract table and its lookup.

use std::collections::HashSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use shared::api::route::{Miss, Routes};
use shared::api::{Access, Answer, Op, Parameter};

fn routes() -> Routes {
    Routes::new().unwrap()
}

/// A path that matches this template, and its parameters.
fn example(template: &str) -> (String, Vec<String>) {
    let mut params = Vec::new();
    let segments: Vec<String> = template
        .split('/')
        .map(|segment| {
            let Some(name) = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            else {
                return segment.to_owned();
            };
            let value = match name.strip_prefix('*') {
                Some(name) => format!("{name}/with/slashes.webp"),
                None => format!("some-{name}"),
            };
            params.push(value.clone());
            value
        })
        .collect();
    (segments.join("/"), params)
}

#[test]
fn table() {
    let mut table = String::new();
    for op in Op::ALL {
        let (name, method, path) = (op.name(), op.method().as_str(), op.path());
        let (access, answer) = (format!("{:?}", op.access()), format!("{:?}", op.answer()));
        let names: Vec<&str> = op.query().iter().map(|one| one.name()).collect();
        let (status, query) = (op.status(), names.join(" "));
        let line =
            format!("{name:13} {method:6} {path:31} {access:6} {status} {answer:11} {query}");
        writeln!(table, "{}", line.trim_end()).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_operation_is_found() {
    for &op in Op::ALL {
        let (path, params) = example(op.path());
        let route = routes().find(op.method().as_str(), &path).unwrap();
        assert_eq!((route.op, route.params), (op, params), "{path}");
        assert!(routes().allowed(&path).contains(&op.method().as_str()));
    }
}

#[test]
fn rows_are_unique_and_consistent() {
    let mut names = HashSet::new();
    let mut routes = HashSet::new();
    for op in Op::ALL {
        assert!(names.insert(op.name()));
        assert!(routes.insert((op.method().as_str(), op.path())));
        let has_body = matches!(
            op.answer(),
            Answer::Json | Answer::Bytes | Answer::EventStream
        );
        assert_eq!(has_body, !matches!(op.status(), 204 | 302), "{op:?}");
        assert!((200..400).contains(&op.status()), "{op:?}");
        assert!(op.path().starts_with('/'));
        let for_users = matches!(op.access(), Access::Mixed | Access::Ticket | Access::User);
        let is_public = op.access() == Access::Public;
        assert_eq!(op.path().starts_with("/v1/"), !is_public, "{op:?}");
        assert_eq!(
            op.query().contains(&Parameter::OnBehalfOf),
            for_users,
            "{op:?}"
        );
        let for_admins = op.access() == Access::Admin;
        assert_eq!(op.path().starts_with("/v1/admin/"), for_admins, "{op:?}");
    }
}

#[test]
fn head_is_routed_like_get() {
    assert_eq!(
        routes().find("HEAD", "/v1/assets").unwrap().op,
        Op::ListAssets
    );
    assert_eq!(routes().find("HEAD", "/healthz").unwrap().op, Op::Healthz);
    assert!(matches!(
        routes().find("HEAD", "/v1/events/ticket"),
        Err(Miss::Method(_))
    ));
}

fn check_wrong_method(method: &str, path: &str, allowed: &[&'static str]) {
    let expected = Err(Miss::Method(allowed.to_vec()));
    assert_eq!(routes().find(method, path), expected, "{method} {path}");
    assert_eq!(routes().allowed(path), allowed);
}

#[test]
fn a_wrong_method_lists_the_allowed_ones() {
    let list = ["POST", "GET", "HEAD", "OPTIONS"];
    for method in [
        "PUT", "DELETE", "PATCH", "OPTIONS", "get", "post", "", "GET ",
    ] {
        check_wrong_method(method, "/v1/assets", &list);
    }
    check_wrong_method(
        "POST",
        "/v1/assets/x",
        &["GET", "DELETE", "HEAD", "OPTIONS"],
    );
    check_wrong_method("GET", "/v1/assets/x/complete", &["POST", "OPTIONS"]);
    check_wrong_method("GET", "/v1/events/ticket", &["POST", "OPTIONS"]);
    check_wrong_method("DELETE", "/media/a/b", &["GET", "HEAD", "OPTIONS"]);
}

#[test]
fn other_paths_are_not_found() {
    let paths = [
        "",
        "/",
        "v1/assets",
        "//v1/assets",
        "/v1",
        "/v1/",
        "/v1/assets/",
        "/v1//assets",
        "/V1/assets",
        "/v1/Assets",
        "/v1/assets/a/",
        "/v1/assets/a/b",
        "/v1/assets/a/complete/",
        "/v1/assets/a/complete/b",
        "/v2/assets",
        "/v1/jobs/a/retry",
        "/media",
        "/media/",
        "/stream/token",
        "/stream/token/",
        "/healthz/",
        "/healthz%00",
        "/v1/assets?x=1",
        "*",
        "/*",
        "/{asset_id}",
        "http://x/v1/assets",
    ];
    for path in paths {
        assert_eq!(routes().find("GET", path), Err(Miss::Path), "{path:?}");
        assert_eq!(routes().allowed(path), Vec::<&str>::new(), "{path:?}");
    }
}

#[test]
fn an_encoded_slash_stays_in_its_segment() {
    let route = routes().find("GET", "/v1/assets/a%2Fcomplete").unwrap();
    assert_eq!(
        (route.op, route.params),
        (Op::GetAsset, vec!["a%2Fcomplete".to_owned()])
    );
    let route = routes().find("GET", "/v1/assets/..").unwrap();
    assert_eq!(
        (route.op, route.params),
        (Op::GetAsset, vec!["..".to_owned()])
    );
    let route = routes().find("GET", "/stream/t.1.x%2F/m/a").unwrap();
    let params = vec!["t.1.x%2F".to_owned(), "m/a".to_owned()];
    assert_eq!((route.op, route.params), (Op::GetStream, params));
}

fn fill(template: &str, params: &[String]) -> String {
    let mut params = params.iter();
    let segments: Vec<String> = template
        .split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                params.next().unwrap().clone()
            } else {
                segment.to_owned()
            }
        })
        .collect();
    segments.join("/")
}

proptest! {
    #[test]
    fn a_found_operation_has_the_requested_path(
        method in "GET|POST|DELETE|\\PC{0,5}",
        path in "(/(v1|assets|jobs|events|media|stream|complete|cancel|[a-z%.{}*é]{0,4})){0,5}|\\PC*",
    ) {
        if let Ok(route) = routes().find(&method, &path) {
            prop_assert_eq!(route.op.method().as_str(), method);
            prop_assert_eq!(fill(route.op.path(), &route.params), path);
            prop_assert!(route.params.iter().all(|param| !param.is_empty()));
        }
    }
}
