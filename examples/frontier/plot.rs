//! The plot: messages for each operation against the median, drawn from the page's tables as a few lines of SVG.
//!
//! It knows no runs, so that it can be drawn again from the page, to the same bytes.

use std::fmt::Write as _;

use super::cells::{Family, SIZES};
use super::challenge::CHALLENGES;
use super::page::{figures, lines, mark};

const TOP: f64 = 64.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 64.0;
const WIDTH: f64 = 292.0;
const GAP: f64 = 24.0;
/// Milliseconds at the right end.
const LATEST: f64 = 2_500.0;
/// Powers of ten at the bottom and at the top.
const DECADES: (i32, i32) = (-1, 4);

fn power_of_ten(decade: i32) -> f64 {
    libm::pow(10.0, f64::from(decade))
}

fn colour(family: Family) -> &'static str {
    match family {
        Family::Gossip => "#b35900",
        Family::Star => "#0067a3",
        Family::Tree => "#00805c",
        Family::Relay => "#b3005c",
    }
}

/// Where a panel's figures lie on paper.
#[derive(Clone, Copy)]
struct Panel {
    left: f64,
}

impl Panel {
    fn x(self, millis: f64) -> f64 {
        assert!(millis <= LATEST, "a median of {millis} ms is beyond the plot");
        self.left + WIDTH * millis / LATEST
    }

    fn y(self, messages: f64) -> f64 {
        let (bottom, top) = (f64::from(DECADES.0), f64::from(DECADES.1));
        let ends = power_of_ten(DECADES.0)..=power_of_ten(DECADES.1);
        assert!(ends.contains(&messages), "{messages} messages are beyond the plot");
        TOP + HEIGHT * (top - libm::log10(messages)) / (top - bottom)
    }

    fn text(self, svg: &mut String, (x, y): (f64, f64), more: &str, text: &str) {
        _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" {more}>{text}</text>"#);
    }

    fn line(self, svg: &mut String, points: &[(f64, f64)], more: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        _ = writeln!(svg, r#"<polyline points="{}" fill="none" {more}/>"#, points.join(" "));
    }

    fn axes(self, svg: &mut String, nodes: u32) {
        let centre = self.left + WIDTH / 2.0;
        let bold = r#"text-anchor="middle" font-weight="bold""#;
        self.text(svg, (centre, TOP - 8.0), bold, &format!("{nodes} nodes"));
        let below = (centre, TOP + HEIGHT + 40.0);
        self.text(svg, below, r#"text-anchor="middle""#, "median stable latency, ms");
        for decade in DECADES.0..=DECADES.1 {
            let messages = power_of_ten(decade);
            let y = self.y(messages);
            self.line(svg, &[(self.left, y), (self.left + WIDTH, y)], r##"stroke="#ddd""##);
            // One scale is for all, at the left of the leftmost.
            if self.left == LEFT {
                self.text(svg, (self.left - 8.0, y + 4.0), r#"text-anchor="end""#, &format!("{messages}"));
            }
        }
        for step in 0..=5 {
            let millis = LATEST * f64::from(step) / 5.0;
            let x = self.x(millis);
            self.line(svg, &[(x, TOP), (x, TOP + HEIGHT)], r##"stroke="#ddd""##);
            self.text(svg, (x, TOP + HEIGHT + 18.0), r#"text-anchor="middle""#, &format!("{millis}"));
        }
        _ = writeln!(
            svg,
            r##"<rect x="{:.1}" y="{TOP:.1}" width="{WIDTH:.1}" height="{HEIGHT:.1}" fill="none" stroke="#333"/>"##,
            self.left
        );
    }

    /// The corners below which the challenges are met, and the best that others reported.
    fn challenges(self, svg: &mut String) {
        let bottom = TOP + HEIGHT;
        for challenge in &CHALLENGES {
            let (x, y) = (self.x(challenge.median), self.y(challenge.msgs_per_op));
            let corner = [(self.left, y), (x, y), (x, bottom)];
            self.line(svg, &corner, r##"stroke="#555" stroke-dasharray="5 3""##);
            self.text(svg, (x - 3.0, bottom - 5.0), r##"text-anchor="end" fill="#555""##, challenge.name);
            for others in challenge.others {
                let y = self.y(*others);
                self.line(svg, &[(self.left, y), (x, y)], r##"stroke="#555" stroke-dasharray="1 3""##);
            }
        }
    }

    fn family(self, svg: &mut String, family: Family, points: &[(&str, f64, f64)]) {
        let colour = colour(family);
        let at: Vec<(f64, f64)> =
            points.iter().map(|(_, median, messages)| (self.x(*median), self.y(*messages))).collect();
        self.line(svg, &at, &format!(r#"stroke="{colour}" stroke-width="1.5""#));
        for (x, y) in &at {
            _ = writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#);
        }
        if let (Some((x, y)), Some((knob, _, _))) = (at.last(), points.last()) {
            // Below the line where there is no room beside its end.
            let (at, anchor) = match self.left + WIDTH - x {
                ..60.0 => ((x + 5.0, y + 16.0), "end"),
                _ => ((x + 5.0, y - 5.0), "start"),
            };
            self.text(svg, at, &format!(r#"fill="{colour}" text-anchor="{anchor}""#), knob);
        }
    }
}

/// What the lines are.
fn legend(svg: &mut String) {
    let mut entry = |x: f64, stroke: &str, text: &str| {
        _ = writeln!(svg, r#"<line x1="{x:.1}" y1="20" x2="{:.1}" y2="20" {stroke}/>"#, x + 22.0);
        _ = writeln!(svg, r#"<text x="{:.1}" y="24">{text}</text>"#, x + 28.0);
    };
    let mut x = LEFT;
    for (family, width) in Family::ALL.into_iter().zip([80.0, 122.0, 122.0, 76.0]) {
        entry(x, &format!(r#"stroke="{}" stroke-width="3""#, colour(family)), family.title());
        x += width;
    }
    entry(x, r##"stroke="#555" stroke-dasharray="5 3""##, "limits of 3d and 3e");
    let others = CHALLENGES.iter().map(|challenge| {
        let best: Vec<String> = challenge.others.iter().map(f64::to_string).collect();
        format!("{} {}", challenge.name, best.join(" and "))
    });
    let others = others.collect::<Vec<_>>().join(", ");
    entry(x + 154.0, r##"stroke="#555" stroke-dasharray="1 3""##, &format!("best of others: {others}"));
}

/// A family's rows in the page, in Maelstrom's profile and without a cut: knob, median, messages for each operation.
fn points(page: &str, nodes: u32, family: Family) -> Vec<(&str, f64, f64)> {
    let mut points = Vec::new();
    for (name, cells) in lines(page, &mark(nodes, "profile maelstrom")) {
        if let Some(knob) = name.strip_prefix(family.title()) {
            let mean = |at: usize| {
                let told = cells.get(at).and_then(|cell| figures(cell));
                told.unwrap_or_else(|| panic!("docs/broadcast.md, {name}: a figure with its ends"))[0]
            };
            points.push((knob.trim_start_matches(", "), mean(1), mean(0)));
        }
    }
    points
}

/// The plot of a page.
pub(crate) fn svg(page: &str) -> String {
    let (width, height) = (LEFT + 3.0 * WIDTH + 2.0 * GAP + 24.0, TOP + HEIGHT + 56.0);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11" fill="#333">
<title>Messages for each operation against the median stable latency</title>
<rect width="{width}" height="{height}" fill="#fff"/>
"##
    );
    legend(&mut svg);
    let middle = TOP + HEIGHT / 2.0;
    _ = writeln!(
        svg,
        r#"<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">messages between nodes for each operation</text>"#
    );
    let mut panel = Panel { left: LEFT };
    for size in SIZES {
        panel.axes(&mut svg, size.nodes);
        // The limits are for so many nodes.
        if size.nodes == 25 {
            panel.challenges(&mut svg);
        }
        for family in Family::ALL {
            panel.family(&mut svg, family, &points(page, size.nodes, family));
        }
        panel.left += WIDTH + GAP;
    }
    svg += "</svg>\n";
    svg
}
