//! Rule 6: who made an App what it is, and which revision that is, stands on it as annotations. Admission writes
//! them when the spec changes; what anybody else writes there is put right.

use super::annotations::Annotated;
use super::verdict::Shortened;
use super::{Facts, Request};
use crate::api::AppSpec;
use crate::api::names::{
    ANNOTATION_AUTHOR, ANNOTATION_HASH_VERSION, ANNOTATION_RESTORED, ANNOTATION_REVISION_HASH,
};
use crate::render::Declared;
use crate::revision::{HASH_VERSION, RevisionHash};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The stamps, each with what is told of a value that is not true.
const STAMPS: [(&str, &str); 4] = [
    (ANNOTATION_AUTHOR, "is not who changed the spec last"),
    (ANNOTATION_REVISION_HASH, "is not the hash of what the App says"),
    (ANNOTATION_HASH_VERSION, "is not the version of that hash"),
    (ANNOTATION_RESTORED, "is said of what a restorer creates"),
];

/// Values of the stamps, in the order of [`STAMPS`].
type Values = [Option<String>; 4];

/// An App as far as stamps go.
#[derive(Deserialize)]
struct App<'a> {
    #[serde(borrow, default)]
    metadata: Annotated<'a>,
    #[serde(borrow)]
    spec: &'a RawValue,
}

/// Adds the stamps to an App, or puts them right. Returns the hash of what its spec says.
pub(super) fn add(
    facts: &Facts,
    request: &Request<'_>,
    object: &RawValue,
    patch: &mut Vec<Value>,
    warnings: &mut Vec<String>,
) -> Option<RevisionHash> {
    // What cannot be read is refused by `validate`.
    let app = read(object).ok()?;
    let old = request.old_object.and_then(|old| read(old).ok());
    let said = app.stamps();
    let before = old.as_ref().map(App::stamps).unwrap_or_default();
    let wanted = match Change::of(request, old.as_ref(), &app) {
        Change::Unreadable => return None,
        Change::None => before.clone(),
        Change::Spec(spec) => stamps(facts, request, &spec, &said),
    };
    for (((name, untrue), said), (before, wanted)) in STAMPS.iter().zip(&said).zip(before.iter().zip(&wanted))
    {
        // What stood there before was carried along, and not said.
        let Some(said) = said.as_ref().filter(|_| said != before && said != wanted) else {
            continue;
        };
        let instead = match wanted {
            Some(value) => format!("replaced by {value:?}"),
            None => "left out".to_owned(),
        };
        warnings.push(format!(
            "metadata.annotations[{name}]: {:?} {untrue}, {instead}",
            Shortened(said)
        ));
    }
    app.put_right(&said, &wanted, patch);
    let [_, hash, ..] = wanted;
    RevisionHash::read(&hash?)
}

/// What a request does to the spec.
enum Change {
    /// Nothing.
    None,
    /// It is new, or another one.
    Spec(Box<AppSpec>),
    /// There is no telling.
    Unreadable,
}

impl Change {
    fn of(request: &Request<'_>, old: Option<&App<'_>>, new: &App<'_>) -> Self {
        if old.is_some_and(|old| old.spec.get() == new.spec.get()) {
            return Self::None;
        }
        // Left out and added by admission is no change by the author.
        let spec = |app: &App<'_>| {
            let mut spec: AppSpec = serde_json::from_str(app.spec.get()).ok()?;
            spec.namespace
                .get_or_insert_with(|| request.namespace.clone().into_owned());
            Some(spec)
        };
        match spec(new) {
            None => Self::Unreadable,
            Some(new) if old.and_then(spec).as_ref() == Some(&new) => Self::None,
            Some(new) => Self::Spec(Box::new(new)),
        }
    }
}

/// The stamps of a spec that this request makes. A restored App keeps the author that it was saved with.
fn stamps(facts: &Facts, request: &Request<'_>, spec: &AppSpec, said: &Values) -> Values {
    let user = &*request.user_info.username;
    let restores = facts.restores(request);
    let [saved, ..] = said;
    let author = saved.clone().filter(|_| restores);
    let author = author.or_else(|| (!user.is_empty()).then(|| user.to_owned()));
    // Manifests that cannot be read are no revision; where nothing is enforced, such an App is admitted.
    let hash = Declared::read(spec, &request.namespace).ok();
    let version = hash.as_ref().map(|_| HASH_VERSION.to_string());
    let hash = hash.map(|declared| declared.hash.to_string());
    [author, hash, version, restores.then(|| "true".to_owned())]
}

fn read(object: &RawValue) -> Result<App<'_>, serde_json::Error> {
    serde_json::from_str(object.get())
}

impl App<'_> {
    fn stamps(&self) -> Values {
        STAMPS.map(|(name, _)| self.metadata.get(name))
    }

    /// The operations that make `wanted` of `said`.
    fn put_right(&self, said: &Values, wanted: &Values, patch: &mut Vec<Value>) {
        const PLACE: &str = "/metadata/annotations";
        let names = STAMPS.iter().map(|(name, _)| *name);
        let (mut added, mut removed) = (Map::new(), Vec::new());
        for (name, (said, wanted)) in names.zip(said.iter().zip(wanted)) {
            match wanted {
                _ if said == wanted => {}
                Some(value) => drop(added.insert(name.to_owned(), json!(value))),
                None => removed.push(name),
            }
        }
        let Some(present) = &self.metadata.annotations else {
            if !added.is_empty() {
                patch.push(json!({"op": "add", "path": PLACE, "value": added}));
            }
            return;
        };
        if !removed.is_empty() && added.is_empty() && removed.len() == present.len() {
            // No annotations, as before: an empty map would be a change.
            return patch.push(json!({"op": "remove", "path": PLACE}));
        }
        // RFC 6901: `/` in a key is `~1`. `add` replaces what is there (RFC 6902, 4.1).
        let place_of = |name: &str| format!("{PLACE}/{}", name.replace('/', "~1"));
        patch.extend(
            added
                .iter()
                .map(|(name, value)| json!({"op": "add", "path": place_of(name), "value": value})),
        );
        patch.extend(
            removed
                .iter()
                .map(|name| json!({"op": "remove", "path": place_of(name)})),
        );
    }
}
