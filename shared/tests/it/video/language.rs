//! Language tags.

use shared::video::language::tag;

#[test]
fn language_codes_of_containers_become_tags() {
    let cases = [
        ("eng", Some("en")),
        ("deu", Some("de")),
        ("ger", Some("de")),
        ("fre", Some("fr")),
        ("zho", Some("zh")),
        ("chi", Some("zh")),
        ("aar", Some("aa")),
        ("zul", Some("zu")),
        ("gsw", Some("gsw")),
        ("EN", Some("en")),
        ("en-US", Some("en-US")),
        ("pt_BR", Some("pt-BR")),
        ("zh-Hant-TW", Some("zh-Hant-TW")),
        ("und", None),
        ("mul", None),
        ("", None),
        ("e", None),
        ("english", None),
        ("en-", None),
        ("en-\"x", None),
        ("e n", None),
        ("日本", None),
    ];
    for (container, expected) in cases {
        assert_eq!(tag(container).as_deref(), expected, "{container}");
    }
}
