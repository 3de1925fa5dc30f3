//! The developer's `.env`.

use super::super::dotenv::File;

#[test]
fn each_form_of_a_line() {
    for (line, expected) in [
        ("A=b", "b"),
        ("export A=b", "b"),
        (" A = b ", "b"),
        ("A=", ""),
        ("A= # rien", ""),
        ("A=b # commentaire", "b"),
        ("A=b#c", "b#c"),
        ("A=#alerts-neopro", "#alerts-neopro"),
        ("A=p$word${x}", "p$word${x}"),
        ("A=x=y?pgbouncer=true", "x=y?pgbouncer=true"),
        ("A=NeoPro <noreply@example.com>", "NeoPro <noreply@example.com>"),
        ("A=\"b # c\" # d", "b # c"),
        ("A='b\\n$c'", "b\\n$c"),
        ("A=\"b\\n\\\"c\\\" \\$\"", "b\n\"c\" \\$"),
        ("A=\"-----BEGIN-----\nxyz\n-----END-----\"", "-----BEGIN-----\nxyz\n-----END-----"),
        ("\u{FEFF}A=b\r", "b"),
        ("A=a\nA=b", "b"),
    ] {
        let file = File::parse(line);
        assert_eq!(file.values.get("A").map(String::as_str), Some(expected), "{line}");
        assert!(file.warnings.is_empty(), "{line}");
    }
}

#[test]
fn an_unreadable_line_is_named_by_its_number_and_costs_only_itself() {
    for bad in ["MOT_DE_PASSE kanari", "=kanari", "A B=kanari", "A=\"kanari", "A='kanari' kanari"] {
        let file = File::parse(&format!("# début\n\nB=1\n{bad}\nC=3"));
        assert_eq!(file.values.len(), 2, "{bad}");
        assert_eq!(file.values.get("C").map(String::as_str), Some("3"), "{bad}");
        assert_eq!(file.warnings.len(), 1, "{bad}");
        assert!(file.warnings[0].contains("ligne 4") && !file.warnings[0].contains("kanari"), "{bad}");
    }
}
