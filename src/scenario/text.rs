//! A scenario as the text of a file.

use super::Scenario;
use super::document::Document;

/// Says no more than any scenario must.
const BARE: &str = r#"{ "name": "-", "nodes": 1, "protocol": { "-": {} }, "workload": { "-": {} } }"#;

impl Scenario {
    /// The scenario as a file that says only what any scenario would not have anyway.
    pub fn concise(&self) -> String {
        let bare = Document::parse("a bare scenario", BARE).and_then(|bare| Scenario::read(&bare));
        let mut bare = bare.expect("a bare scenario is one");
        // Nobody should have to ask which seed, format or nodes.
        (bare.seed, bare.nodes, bare.format) = (!self.seed, 0, 0);
        let mut written = self.document();
        written.leave_out_what_is_in(&bare.document(), &["network"]);
        written.root().pretty()
    }

    fn document(&self) -> Document {
        let json = serde_json::to_string(self).expect("a scenario can be written as JSON");
        Document::parse("the scenario", &json).expect("what was written as JSON is JSON")
    }
}
