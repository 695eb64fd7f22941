//! Documents of a text: separators, what is refused with its line, and what hostile texts cost.

use super::{Trouble, documents};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn values(text: &str) -> Vec<Value> {
    let documents = documents(text).unwrap_or_else(|troubles| panic!("{text:?} is refused: {troubles:?}"));
    documents.into_iter().map(|document| document.value).collect()
}

fn refusal(text: &str) -> Trouble {
    match documents(text) {
        Ok(documents) => panic!("{text:?} is read as {documents:?}"),
        Err(troubles) => troubles.into_iter().next().unwrap(),
    }
}

#[rstest]
#[case::a_blank_behind_it("a: 1\n--- \nb: 2\n")]
#[case::a_tab_behind_it("a: 1\n---\t\nb: 2\n")]
#[case::a_note_behind_it("a: 1\n--- # note\nb: 2\n")]
#[case::at_the_start("---\na: 1\n---\nb: 2\n")]
#[case::at_the_end("a: 1\n---\nb: 2\n---\n")]
#[case::no_final_newline("a: 1\n---\nb: 2")]
#[case::comment_only_documents("# x\n---\na: 1\n---\n# y\n---\nb: 2\n---\n# z\n")]
#[case::windows_line_ends("a: 1\r\n---\r\nb: 2\r\n")]
#[case::byte_order_mark("\u{feff}---\na: 1\n---\nb: 2\n")]
#[case::document_end_marks("a: 1\n...\n---\nb: 2\n...\n")]
#[case::json_behind_json("{\"a\": 1}\n---\n{\"b\": 2}\n")]
fn s23_separators_cut_as_kubectl_cuts(#[case] text: &str) {
    assert_eq!(values(text), [json!({"a": 1}), json!({"b": 2})]);
}

#[test]
fn s23_a_separator_counts_inside_a_block_scalar_as_it_does_for_kubectl() {
    assert_eq!(
        values("a: |\n  x\n---\nb: 2\n"),
        [json!({"a": "x\n"}), json!({"b": 2})]
    );
    assert_eq!(values("a: |\n  x\n  ---\n  y\n"), [json!({"a": "x\n---\ny\n"})]);
}

#[test]
fn s23_tabs_behind_scalars_are_blanks() {
    assert_eq!(values("a: x\t\nb: 2\t\n"), [json!({"a": "x", "b": 2})]);
}

#[rstest]
#[case::behind_the_end("a: 1\n...\nb: 2\n", 3, "behind the end of the document")]
#[case::behind_a_root_that_ends("---\n{a: 1}\n{b: 2}\n", 3, "behind the end of the document")]
#[case::on_the_separator("a: 1\n--- {b: 2}\n", 2, "behind the separator")]
#[case::in_old_mac_files("a: 1\r---\rb: 2\r", 1, "behind the end of the document")]
#[case::behind_many_json_values("---\n{\"a\":1}\n{\"b\":2}\n", 3, "behind the end of the document")]
fn s23_a_document_that_kubectl_drops_is_refused_with_its_line(
    #[case] text: &str,
    #[case] line: usize,
    #[case] why: &str,
) {
    let refusal = refusal(text);
    assert_eq!(refusal.line, line);
    assert!(refusal.why.contains(why), "{}", refusal.why);
}

#[test]
fn lines_are_counted_over_all_documents() {
    assert_eq!(refusal("# x\n---\na: 1\n---\n\nb: 1\nb: 2\n").line, 7);
    assert_eq!(refusal("{\"a\": 1}\n\n{\"b\": 1,\n\"b\": 2}\n").line, 4);
    assert_eq!(refusal("{\"a\": 1}\n---\nb: [\n").line, 3);
    assert_eq!(
        documents("# x\n---\na: 1\n---\n\n# y\nb: 1\n").unwrap()[1].line,
        7
    );
}

#[test]
fn every_duplicate_key_is_told() {
    let troubles = documents("a: 1\na: 2\nb: {c: 1, c: 2}\n---\nd: 1\nd: 1\n").unwrap_err();
    let lines: Vec<usize> = troubles.iter().map(|trouble| trouble.line).collect();
    assert_eq!(lines, [2, 3, 6]);
}

/// Found by comparing 300,000 mutated texts with kubectl's libraries. It takes none of these, or
/// otherwise than the parser below us would.
#[rstest]
#[case::question_mark_in_a_flow_list("a: [http://x?y=1]\n", "quote it")]
#[case::escaped_slash("a: \"x\\/y\"\n", "\\/")]
#[case::byte_order_mark_on_a_line_of_its_own("a: 1\n\u{feff}", "byte order mark")]
#[case::json_that_stops_in_a_scalar("{\"a\":1}\n12a: b\n", "no JSON")]
#[case::json_and_less_than_four_bytes("{\"a\":1} x\n", "no JSON")]
#[case::directive("%YAML 1.1\r---\ra: 1", "directive")]
#[case::tag_before_a_comma("[!foo, x]\n", "tag right before a comma")]
#[case::tag_before_a_comma_in_broken_json("{\"a\":!foo,\"\\ud800\"}", "no YAML")]
#[case::verbatim_tag_before_a_comma("[!<x>, x]\n", "tag right before a comma")]
fn what_kubectl_does_not_take_is_refused(#[case] text: &str, #[case] why: &str) {
    let refusal = refusal(text);
    assert!(refusal.why.contains(why), "{}", refusal.why);
}

#[test]
fn a_bang_before_a_comma_is_text_where_text_stands() {
    let text = "script: |\n  call(a, !b, c)\nquoted: 'hey!, you'\nplain: wow!, yes\nlist: [wow!, 'x!,']\n";
    let want = json!({
        "script": "call(a, !b, c)\n",
        "quoted": "hey!, you",
        "plain": "wow!, yes",
        "list": ["wow!", "x!,"],
    });
    assert_eq!(values(text), [want]);
}

#[test]
fn a_text_may_start_with_any_letter() {
    // Its first byte is that of a byte order mark.
    assert_eq!(values("\u{ff46}: 1\n"), [json!({"\u{ff46}": 1})]);
}

#[rstest]
#[case::lists("[".repeat(100_000))]
#[case::mappings("{a: ".repeat(100_000))]
#[case::json("{\"a\":".repeat(100_000))]
#[case::whole_json(format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200)))]
#[case::block_lists("- ".repeat(100_000))]
#[case::explicit_keys("? ".repeat(100_000))]
#[case::lists_around_a_tag(format!("{}!x,", "[".repeat(100_000)))]
#[case::aliases((1..200).fold("a0: &a0 [x]\n".to_owned(), |text, i| text + &format!("a{i}: &a{i} [*a{}]\n", i - 1)))]
fn deep_nesting_is_a_fault(#[case] text: String) {
    assert!(refusal(&text).why.contains("128 levels"));
}

#[rstest]
#[case::levels((1..20).fold("a0: &a0 x\n".to_owned(), |text, i| {
    text + &format!("a{i}: &a{i} [{}]\n", format!("*a{},", i - 1).repeat(10))
}))]
#[case::merges((1..60).fold("a0: &a0 {x: 1}\n".to_owned(), |text, i| {
    text + &format!("a{i}: &a{i} {{<<: [*a{0}, *a{0}]}}\n", i - 1)
}))]
#[case::one_long_text(format!("- &a {}\n{}", "x".repeat(50_000), "- *a\n".repeat(100)))]
fn an_alias_bomb_is_a_fault(#[case] text: String) {
    assert!(refusal(&text).why.contains("repeats too much"));
}

/// Pieces of texts that mean something to a reader.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "\n  ",
        " ",
        "\t",
        "'",
        "\"",
        "|",
        ">\n ",
        "&x ",
        "*x",
        "!",
        "!!str ",
        "!t,",
        "!<t>,",
        "# c",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "\\",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{ff46}",
        "0x1",
        "1e3",
        "<<: ",
        "{\"a\":1}",
        "\\ud800",
        "\0",
        "é",
    ]);
    prop::collection::vec(fragment, 0..24).prop_map(|fragments| fragments.concat())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![fragments(), any::<String>()]) {
        let _ = documents(&text);
    }

    #[test]
    fn json_is_read_as_what_it_says(value in any_json()) {
        let object = json!({ "value": value });
        let want = [super::with_numbers_as_read(object.clone())];
        prop_assert_eq!(&values(&object.to_string()), &want);
        prop_assert_eq!(&values(&format!("{object:#}")), &want);
    }
}
