use super::Allowlist;
use crate::image::ImageReference;
use proptest::prelude::*;
use rstest::rstest;

const D64: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// The list of the fixture that the cases share.
const FIXTURE: &str = "ghcr.io/acme,registry.example.com,docker.io/library";

fn allows(list: &str, image: &str) -> bool {
    let list = Allowlist::parse_comma_separated(list).expect("a readable list");
    list.allows(&ImageReference::parse(image).expect("a readable reference"))
}

#[rstest]
#[case("ghcr.io/acmebad/x:1")]
#[case("ghcr.io.evil.example/acme/x:1")]
#[case("registry.example.com.evil.example/x")]
#[case("docker.io/libraryx/nginx")]
fn s01_a_prefix_ends_on_a_boundary(#[case] image: &str) {
    assert!(!allows(FIXTURE, image));
}

#[rstest]
#[case("ghcr.io/acme")]
#[case("ghcr.io/acme/")]
fn s01_the_control_passes_with_and_without_a_trailing_slash(#[case] list: &str) {
    assert!(allows(list, "ghcr.io/acme/x:1"));
    assert!(!allows(list, "ghcr.io/acmebad/x:1"));
}

#[rstest]
#[case("nginx", true)]
#[case("library/nginx", true)]
#[case("docker.io/nginx", true)]
#[case("index.docker.io/library/nginx", true)]
#[case("acme/nginx", false)]
#[case("fake.docker.io/library/nginx", false)]
fn s02_docker_hub_without_its_name(#[case] image: &str, #[case] allowed: bool) {
    assert_eq!(allows(FIXTURE, image), allowed);
    assert!(!allows("ghcr.io", image));
}

#[rstest]
#[case("registry.example.com/nginx:1.27")]
#[case("registry.example.com/team_a/my__app:1.0")]
#[case(&format!("registry.example.com/a/b/c/d@sha256:{D64}"))]
fn s03_a_host_directly_before_the_image_and_underscores(#[case] image: &str) {
    assert!(allows(FIXTURE, image));
}

#[test]
fn s05_a_port_is_part_of_the_host() {
    let image = format!("registry.example.com:5000/a/b:1.2@sha256:{D64}");
    assert!(allows("registry.example.com:5000", &image));
    assert!(!allows("registry.example.com", &image));
    let without_port = format!("registry.example.com/a/b:1.2@sha256:{D64}");
    assert!(allows("registry.example.com", &without_port));
    assert!(!allows("registry.example.com:5000", &without_port));
}

#[rstest]
#[case("Acme/app")]
#[case("LOCALHOST:5000/app")]
#[case("localhost/app")]
fn s06_a_host_in_capitals_is_not_docker_hub(#[case] image: &str) {
    assert!(!allows("docker.io", image));
}

#[test]
fn s06_hosts_compare_without_case() {
    assert!(allows("ghcr.io/acme", "GHCR.IO/acme/x"));
    assert!(allows("GHCR.io/acme", "ghcr.io/acme/x"));
}

#[rstest]
#[case("registry.example.com/x", true)]
#[case("a.b.Example.com/x", true)]
#[case("example.com/x", false)]
#[case("badexample.com/x", false)]
#[case("example.com.evil.example/x", false)]
#[case("registry.example.com:5000/x", false)]
fn a_wildcard_stands_for_one_or_more_leading_labels(#[case] image: &str, #[case] allowed: bool) {
    assert_eq!(allows("*.example.com", image), allowed);
}

#[test]
fn a_wildcard_may_have_a_port_and_a_path() {
    assert!(allows("*.example.com:5000/acme", "eu.example.com:5000/acme/x"));
    assert!(!allows("*.example.com:5000/acme", "eu.example.com:5000/other/x"));
    assert!(!allows("*.example.com:5000/acme", "eu.example.com/acme/x"));
}

#[rstest]
#[case("docker.io", "nginx", true)]
#[case("index.docker.io", "nginx", true)]
#[case("index.docker.io/library", "docker.io/nginx", true)]
#[case("docker.io/library/nginx", "nginx:1", true)]
#[case("docker.io/library/nginx", "nginx-evil", false)]
#[case("docker.io/lib", "nginx", false)]
#[case("docker.io/acme", "acme/x", true)]
#[case("docker.io/acme", "acme", false)]
#[case(
    "ghcr.io/acme/x",
    "ghcr.io/acme/x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    true
)]
#[case("[::1]:5000", "[::1]:5000/x", true)]
#[case("localhost", "localhost/x", true)]
fn entries_cover_what_they_say(#[case] list: &str, #[case] image: &str, #[case] allowed: bool) {
    assert_eq!(allows(list, image), allowed);
}

#[rstest]
#[case("", "it is empty")]
#[case(" ghcr.io", "it holds a blank")]
#[case("https://ghcr.io", "it has a scheme; write what follows it")]
#[case("ghcr.io/acme/x:1", "it has a tag; a list holds registries and repositories")]
#[case(
    "ghcr.io/x@sha256:ab",
    "it has a digest or a user; a list holds registries and repositories"
)]
#[case(
    "ghcr.*.io",
    "a * stands for leading labels of a host only, as in *.example.com"
)]
#[case("*.*.io", "a * stands for leading labels of a host only, as in *.example.com")]
#[case("*", "a * stands for leading labels of a host only, as in *.example.com")]
#[case(
    "*ghcr.io",
    "a * stands for leading labels of a host only, as in *.example.com"
)]
#[case(
    "ghcr.io/acme/*",
    "a * stands for leading labels of a host only, as in *.example.com"
)]
#[case("ghcr.io/Acme", "it has upper case in its path, which no image has")]
#[case("ghcr.io//acme", "it has nothing between two slashes")]
#[case("ghcr.io/acme//", "it has nothing between two slashes")]
#[case(
    "ghcr.io/-acme",
    "its path is none that an image may have: lower-case letters, digits, separators between"
)]
#[case(
    "gh_cr.io/acme",
    "what stands before the first slash is no host name, nor one with a port"
)]
#[case(
    "ghcr.io:/acme",
    "what stands before the first slash is no host name, nor one with a port"
)]
#[case(
    "/acme",
    "what stands before the first slash is no host name, nor one with a port"
)]
#[case(
    "acme",
    "its first part has neither dot nor port, so it names no registry; what is on Docker Hub is written docker.io/NAME"
)]
fn what_is_no_entry_is_refused_by_name(#[case] entry: &str, #[case] why: &str) {
    let error = Allowlist::parse([entry]).expect_err(entry);
    assert_eq!(
        error.to_string(),
        format!("{entry:?} is no allowlist entry: {why}")
    );
}

#[test]
fn the_comma_separated_form_forgives_blanks_and_empty_entries() {
    let list = Allowlist::parse_comma_separated(" GHCR.io/acme/ ,\n index.docker.io ,*.Example.com:5000,")
        .expect("readable");
    assert_eq!(list.to_string(), "ghcr.io/acme, docker.io, *.example.com:5000");
}

#[test]
fn an_empty_list_allows_nothing() {
    assert!(Allowlist::parse_comma_separated("").expect("readable").is_empty());
    assert!(!allows("", "nginx"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Allowlist::parse([text.as_str()]);
        let _ = Allowlist::parse_comma_separated(&text);
    }

    #[test]
    fn a_list_reads_the_same_from_what_it_writes(text in r"(\*\.)?[a-zA-Z0-9.:-]{1,12}(/[a-z0-9._-]{1,8}){0,3}/?") {
        if let Ok(list) = Allowlist::parse([text.as_str()]) {
            prop_assert_eq!(Allowlist::parse_comma_separated(&list.to_string()), Ok(list));
        }
    }

    #[test]
    fn a_repository_is_covered_by_its_own_name_and_by_its_host(text in "([a-zA-Z0-9.:-]{1,12}/)?[a-z0-9._-]{1,8}(/[a-z0-9._-]{1,8}){0,2}") {
        if let Ok(image) = ImageReference::parse(&text) {
            let name = format!("{}/{}", image.host(), image.path());
            for entry in [image.host(), name.as_str()] {
                if let Ok(list) = Allowlist::parse([entry]) {
                    prop_assert!(list.allows(&image), "{} by {}", text, entry);
                }
            }
        }
    }
}

#[test]
fn an_entry_that_cannot_be_read_never_makes_a_narrowing_list_wider() {
    let narrowing = |entries: &[&str]| {
        let entries: Vec<_> = entries.iter().map(ToString::to_string).collect();
        Allowlist::narrowing(&entries).map(|list| list.to_string())
    };
    assert_eq!(narrowing(&[]), None);
    assert_eq!(
        narrowing(&["ghcr.io", "http://quay.io"]),
        Some("ghcr.io".to_owned())
    );
    assert_eq!(
        narrowing(&["http://quay.io"]),
        Some(String::new()),
        "it allows nothing"
    );
}
