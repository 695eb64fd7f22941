use super::{ImageReference, ReferenceError};
use crate::vectors;
use proptest::prelude::*;
use rstest::rstest;

const D64: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Where kubeOP means to differ from the oracle: readable there, refused here.
fn refused_on_purpose(input: &str, domain: &str) -> Option<&'static str> {
    if domain.is_empty() {
        return Some(
            "an empty host: the oracle leaves `my_host.example.com/x` whole in the path, while the runtime \
             contacts what stands before the first slash, so no list entry could speak about it",
        );
    }
    let (name, tag) = input.split_once(':').unwrap_or((input, ""));
    (matches!(name, "sha256" | "sha384" | "sha512") && !tag.contains('/')).then_some(
        "a one-component name that is a digest algorithm: the node takes it for the id of an image it has",
    )
}

#[test]
fn every_reference_reads_as_the_distribution_project_reads_it() {
    let mut bad = Vec::new();
    let (mut total, mut excepted) = (0, 0);
    for row in vectors::rows(include_str!("../../../tests/vectors/image-references.tsv")) {
        let [
            input,
            ok,
            domain,
            path,
            tag,
            digest,
            canonical,
            normalized,
            _group,
        ] = <[String; 9]>::try_from(row).expect("nine columns");
        total += 1;
        let got = ImageReference::parse(&input);
        if ok == "1" && refused_on_purpose(&input, &domain).is_some() {
            excepted += 1;
            if got.is_ok() {
                bad.push(format!("{input:?}: must be refused, got {got:?}"));
            }
            continue;
        }
        let wanted = (ok == "1").then(|| vec![domain, path, tag, digest, canonical, normalized]);
        let got_columns = got.as_ref().ok().map(columns);
        if got_columns != wanted {
            bad.push(format!(
                "{input:?}:\n  wanted {wanted:?}\n  got    {got_columns:?} {got:?}"
            ));
        }
    }
    assert!(
        bad.is_empty(),
        "{} of {total} differ:\n{}",
        bad.len(),
        bad.join("\n")
    );
    assert_eq!((total, excepted), (854, 11), "rows, and rows of the exceptions");
}

/// The vector's columns; `tag` and `digest` there are those of the canonical form.
fn columns(image: &ImageReference<'_>) -> Vec<String> {
    let tag = match image.digest() {
        Some(_) => "",
        None => image.tag().unwrap_or("latest"),
    };
    vec![
        image.host().to_owned(),
        image.path().into_owned(),
        tag.to_owned(),
        image.digest().unwrap_or_default().to_owned(),
        image.canonical().to_string(),
        image.normalized().to_string(),
    ]
}

#[rstest]
#[case(
    "registry.example.com/p/img:latest:0.0.1",
    r#"has two tags, "latest" and "0.0.1""#
)]
#[case(
    "registry.example.com/p/img:feature/two",
    r#"has a slash in its tag "feature/two""#
)]
#[case("registry.example.com/p/img:", "has a colon and no tag after it")]
#[case(
    "registry.example.com//img",
    "has nothing between two slashes, or before or after one"
)]
#[case(" registry.example.com/img", "begins or ends with a blank")]
#[case("", "is empty")]
#[case(
    "https://ghcr.io/acme/x",
    r#"begins with "https://": an image reference has no scheme"#
)]
#[case(
    "ghcr.i\u{43e}/x",
    "has '\u{43e}' as character 7, which no image reference may have"
)]
#[case(
    "ghcr.io/x:${TAG}",
    "has '$' as character 11, which no image reference may have"
)]
fn s04_an_unreadable_reference_says_what_is_wrong(#[case] text: &str, #[case] why: &str) {
    let error = ImageReference::parse(text).expect_err(text);
    assert_eq!(error.to_string(), why);
    assert_ne!(error, ReferenceError::ImageId);
}

#[test]
fn s05_tag_and_digest_are_kept_as_written() {
    let text = format!("registry.example.com:5000/a/b:1.2@sha256:{D64}");
    let image = ImageReference::parse(&text).expect("readable");
    assert_eq!(image.host(), "registry.example.com:5000");
    assert_eq!(image.tag(), Some("1.2"));
    assert_eq!(image.normalized().to_string(), text);
}

#[test]
fn s05_a_short_digest_is_refused_with_its_length() {
    let error = ImageReference::parse("registry.example.com/a@sha256:abc").expect_err("short");
    assert_eq!(
        error.to_string(),
        r#"has the digest "sha256:abc", which has 3 characters after sha256:, where 64 belong"#
    );
}

#[rstest]
#[case("Acme/app", "Acme")]
#[case("LOCALHOST:5000/app", "LOCALHOST:5000")]
#[case("localhost/app", "localhost")]
fn s06_capitals_and_localhost_name_a_host(#[case] text: &str, #[case] host: &str) {
    assert_eq!(ImageReference::parse(text).expect("readable").host(), host);
}

#[test]
fn s06_capitals_in_the_path_are_refused() {
    assert_eq!(
        ImageReference::parse("acme/App")
            .expect_err("upper case")
            .to_string(),
        r#"has upper case in its path, in "App": only a host and a tag may have it"#
    );
}

#[rstest]
#[case::a_whole_id(&format!("sha256:{D64}"))]
#[case::a_prefix("sha256:01234567")]
#[case::another_algorithm("sha384:01234567")]
#[case::a_third("sha512:latest")]
#[case::the_tag_that_a_node_adds("sha256")]
#[case::hexadecimal_alone(D64)]
fn s61_the_id_of_an_image_is_its_own_fault(#[case] text: &str) {
    assert_eq!(ImageReference::parse(text), Err(ReferenceError::ImageId));
}

#[rstest]
#[case("docker.io/library/sha256:01234567")]
#[case("library/sha256:01234567")]
#[case("ghcr.io/sha256:01234567")]
fn s61_a_name_with_more_than_one_component_is_no_id(#[case] text: &str) {
    ImageReference::parse(text).expect("readable");
}

#[test]
fn a_host_with_an_underscore_is_refused() {
    assert_eq!(
        ImageReference::parse("my_host.example.com/x")
            .expect_err("no host")
            .to_string(),
        r#"names the host "my_host.example.com", which has an underscore, which no host name may have"#
    );
}

#[test]
fn official_repositories_are_the_same_however_they_are_written() {
    let written = [
        "nginx:1",
        "library/nginx:1",
        "docker.io/nginx:1",
        "index.docker.io/library/nginx:1",
    ];
    for text in written {
        let image = ImageReference::parse(text).expect("readable");
        assert_eq!(
            image,
            ImageReference::parse("docker.io/library/nginx:1").expect("readable"),
            "{text}"
        );
    }
}

#[rstest]
#[case("nginx:1", "docker.io/library/nginx")]
#[case(
    "index.docker.io/acme/x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "docker.io/acme/x"
)]
#[case("GHCR.io:443/acme/pay", "ghcr.io:443/acme/pay")]
fn a_repository_has_no_tag_and_its_host_no_case(#[case] text: &str, #[case] repository: &str) {
    assert_eq!(ImageReference::parse(text).unwrap().repository(), repository);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = ImageReference::parse(&text);
    }

    #[test]
    fn what_is_read_once_reads_the_same_again(text in "([a-zA-Z0-9_.:-]{1,12}/){0,3}[a-z0-9._:@-]{1,12}(:[a-z0-9.]{1,5})?") {
        if let Ok(image) = ImageReference::parse(&text) {
            let canonical = image.canonical().to_string();
            let again = ImageReference::parse(&canonical).expect("canonical forms are readable");
            prop_assert_eq!(again.canonical().to_string(), canonical);
            let normalized = image.normalized().to_string();
            prop_assert_eq!(ImageReference::parse(&normalized), Ok(ImageReference::parse(&normalized).expect("readable")));
            prop_assert_eq!(ImageReference::parse(&normalized).expect("readable").normalized().to_string(), normalized);
        }
    }
}
