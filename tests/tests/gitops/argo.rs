//! What Argo CD does with the scripts: Lua 5.1 with the libraries that it opens for custom ones, the object as a global,
//! a table as the answer. Source: `util/lua/lua.go` of <https://github.com/argoproj/argo-cd>.

use kubeop_tests::generated::repository;
use mlua::serde::SerializeOptions;
use mlua::{Lua, LuaOptions, LuaSerdeExt, StdLib, Table};
use serde_json::{Map, Value, json};

/// What `argocd-cm` says of our kinds.
pub struct Argo {
    settings: Value,
}

impl Argo {
    /// As `manifests/gitops` would configure it.
    pub fn configured() -> Argo {
        let path = repository().join("manifests/gitops/argocd-cm.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let settings: Value = serde_saphyr::from_str(&text).unwrap();
        Argo {
            settings: settings["data"].clone(),
        }
    }

    /// Health and message of an object.
    pub fn health(&self, object: &Value) -> (String, String) {
        let kind = object["kind"].as_str().unwrap();
        let key = format!("resource.customizations.health.platform.kubeop.io_{kind}");
        let script = self.settings[key].as_str().expect("a script for the kind");
        let said = run(script, object).unwrap();
        let word = |field: &str| {
            said[field]
                .as_str()
                .unwrap_or_else(|| panic!("{said}"))
                .to_owned()
        };
        (word("status"), word("message"))
    }

    /// Names of the actions that can be chosen for an object, sorted.
    pub fn offered(&self, object: &Value) -> Vec<String> {
        let script = self.actions()["discovery.lua"].as_str().unwrap().to_owned();
        let found = run(&script, object).unwrap();
        let enabled = found.as_object().unwrap().iter();
        let mut names: Vec<String> = enabled
            .filter(|(_, action)| action["disabled"] == false)
            .map(|(name, _)| name.clone())
            .collect();
        names.sort();
        let defined = self.actions()["definitions"].clone();
        for name in found.as_object().unwrap().keys() {
            let has_script = |action: &Value| action["name"] == json!(name);
            assert!(defined.as_array().unwrap().iter().any(has_script), "{name}");
        }
        names
    }

    /// The object as an action wants it, or the action's complaint.
    pub fn act(&self, action: &str, object: &Value) -> Result<Value, String> {
        let actions = self.actions();
        let definitions = actions["definitions"].as_array().unwrap();
        let definition = definitions.iter().find(|found| found["name"] == json!(action));
        let script = definition.expect("a defined action")["action.lua"]
            .as_str()
            .unwrap();
        run(script, object).map(|new| tidied(new, object))
    }

    /// The merge patch that an action makes of an object.
    pub fn patch(&self, action: &str, object: &Value) -> Value {
        let new = self.act(action, object).unwrap();
        difference(object, &new).unwrap_or_else(|| json!({}))
    }

    fn actions(&self) -> Value {
        let text = &self.settings["resource.customizations.actions.platform.kubeop.io_App"];
        serde_saphyr::from_str(text.as_str().unwrap()).unwrap()
    }
}

fn run(script: &str, object: &Value) -> Result<Value, String> {
    // No `string`, no `math`: Argo CD opens these for its own scripts only.
    let lua = Lua::new_with(
        StdLib::TABLE | StdLib::PACKAGE | StdLib::OS,
        LuaOptions::default(),
    )
    .unwrap();
    let globals = lua.globals();
    let os: Table = globals.get("os").unwrap();
    for pair in os.clone().pairs::<String, mlua::Value>() {
        let (name, _) = pair.unwrap();
        if name != "time" && name != "date" {
            os.set(name, mlua::Value::Nil).unwrap();
        }
    }
    let plain = SerializeOptions::new()
        .serialize_none_to_null(false)
        .serialize_unit_to_null(false)
        .set_array_metatable(false);
    globals
        .set("obj", lua.to_value_with(object, plain).unwrap())
        .unwrap();
    let answer: mlua::Value = lua.load(script).eval().map_err(|error| error.to_string())?;
    assert!(answer.is_table(), "a table is expected, not {answer:?}");
    Ok(lua.from_value(answer).unwrap())
}

/// An empty table may have been a list or an object: it stays what it was.
fn tidied(new: Value, old: &Value) -> Value {
    match (new, old) {
        (Value::Object(new), Value::Array(_)) if new.is_empty() => json!([]),
        (Value::Array(new), Value::Object(_)) if new.is_empty() => json!({}),
        (Value::Object(new), old) => {
            let entry = |(key, value): (String, Value)| {
                let tidy = tidied(value, &old[&key]);
                (key, tidy)
            };
            new.into_iter().map(entry).collect()
        }
        (Value::Array(new), old) => {
            let item = |(place, value): (usize, Value)| tidied(value, &old[place]);
            new.into_iter().enumerate().map(item).collect()
        }
        (new, _) => new,
    }
}

/// RFC 7386: what makes `new` of `old`; none if nothing has to.
fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in after {
        let change = match before.get(key) {
            Some(was) => difference(was, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}
