package summary

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/gha/ghatest"
)

// attacks are texts that try to be more than text: in the log, in the outputs,
// in the job summary, or to who reads them.
var attacks = []string{
	"harmless",
	"", " ", "\n", "\r", "\r\n", "\x00",

	// Commands.
	"::error::forged", "  ::error::forged", "\n::error::forged", "\r::error::forged", "\r\n\t::set-output name=status::ready",
	"::ERROR::forged", "\n::Error file=a::forged", "\u0085::error::forged", "\u2028::error::forged", "\u2029::error::forged",
	"\u00a0::error::forged", "\n\u00a0::error::forged", "\n\v\f::error::forged", "\u200d::error::forged", "::: ", "\n::endgroup::",
	"##[error]forged", "x ##[group]forged", "##[Group]", "##[END-ACTION]", "##\x1b[0m[error]forged", "#\x00#[error]", "##\u200b[error]", "##\n[error]",
	"#sk_secret#[error]", "###[[error]", "##[##[error]", "##\u200d[error]", "##sk_secret[error]",
	"%0A::error::forged", "%0D%0A##[error]forged", "%25%0A", "%250A::error::forged",
	",line=1::", " file=x::", "x,file=y::forged", "=x", "==", "a=b,c=d", ":,%3A%2C", "title=",
	"::stop-commands::x\n::x::\n::error::forged", "::stop-commands::\n::pause-logging::",

	// Outputs.
	"status=ready", "x<<EOF\nEOF\nstatus=ready", "\nstatus=ready", "\nstatus<<E\nready\nE\n", "_GitHubActionsFileCommandDelimeter_", "EOF", "<<", "=",

	// Markdown.
	"```\n# forged", "````````\n</details>", "~~~\n# forged", "`|`", "a | b | c", "\\|", "\\\\|", "|\n|:--|\n", ":-: | :-:", "`a` | `", "\\`", "``",
	"===", "a\n===", "---", "a\n---", "***", "- - -", "# forged", "\n# forged", "## forged ##", "> quoted", ">", "    code", "\tcode", "\n\n    code",
	"- [ ] task", "[x] task", "* item", "+ item", "- item", "1. item", "1) item", "-", "1.", "a\\", "a  ",
	"<script>alert(1)</script>", "<!-- ", "<details><summary>", "</code>", "<code>", "&lt;script&gt;", "&#x3C;b>", "&#60;", "&amp;lt;", "&", "<?php", "<![CDATA[",
	"![x](https://evil.example/x.png)", "[a](b)", "[a]: http://x", "[a]: <http://x> \"t\"\n\n[a]", "[a][b]", "[^1]", "[^1]: note", "[[wiki]]",
	"https://evil.example", "HTTP://evil.example", "www.evil.example", "wWw.evil.example", "_www.evil.example_", "<http://x>", "<a@b.co>", "ftp://evil.example",
	"a@b.co", "mailto:a@b.co", "xmpp:a@b.co/x", "@everyone #1", "@org/team", "#1", "GH-1", "gh-1", "org/repo#1", "org/repo@0123456", "0123456789abcdef0123456789abcdef01234567",
	":tada:", ":x:tada:", "::x::tada::", ":+1:", ":piñata:", ":non-potable_water:", "$x$", "$$x$$", "\\$x$", "\\\\$x$", "$`x`$", "$", "\\", "**bold**", "__bold__", "~~gone~~", "*a _b* c_",

	// Who reads it.
	"\x1b[2J\x1b]0;title\x07hidden\x1b[8m", "\x1b", "\x1b]", "\x1b]0;hides the rest\nof it", "\x1bP", "\u009b31m", "\u009d0;x\u009c", "\u202egnp.exe", "\u2066a\u2069", "\ufeff", "\xff\xfe",
	"\u00ad", "\u061c", "\u180e", "\u2060", "\U000e0041", "\u0301", "e\u0301\u0301\u0301", "👩\u200d🚀", "\u200d", "ＷＩＤＥ", "한국어", "مرحبا", "\ufffd", "\U0010ffff",
	"the key is sk_secret", "sk_\x1b[0msecret", "sk_\u200bsecret", "sk_sk_secretsecret", "sk_\nsecret", "SK_SECRET",
	strings.Repeat("é", 4500), strings.Repeat("long ", 200), strings.Repeat("\n", 1000), strings.Repeat("`", 1000), strings.Repeat("|", 1000),
	strings.Repeat("#", 3000), strings.Repeat(":a", 500) + ":", strings.Repeat("😀", 1100), strings.Repeat("%\r,:", 300),
}

// hides finds the key, and what shows otherwise than it is.
func hides(s string) error {
	if strings.Contains(s, key) {
		return fmt.Errorf("shows the key")
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("is not UTF-8")
	}
	for _, c := range s {
		if c != '\n' && c != '\t' && c != '\u200d' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)) {
			return fmt.Errorf("has %U", c)
		}
	}
	return nil
}

// checkLog holds that the runner obeys what is ours, and nothing else.
func checkLog(t *testing.T, foreign string) {
	t.Helper()
	for _, j := range jobs {
		for _, onRunner := range []bool{true, false} {
			log, w := j.tell(t, onRunner, foreign).log, j.wants(foreign)
			masked := log
			if onRunner {
				masked = strings.Replace(log, "::add-mask::"+key+"\n", "", 1)
			} else {
				w.commands, w.blocks = nil, 0
			}
			got := ghatest.Commands(log)
			for i := range max(len(got), len(w.commands)) {
				if i >= len(got) || i >= len(w.commands) || !reflect.DeepEqual(got[i], w.commands[i]) {
					t.Errorf("%s, %.60q: the command at %d is not as wanted: of\n%.2000q\nit begins\n%.2000q", j.name, foreign, i, w.commands[min(i, len(w.commands)):], got[min(i, len(got)):])
					break
				}
			}
			if n := commandLike(log); n != len(w.commands)+2*w.blocks {
				t.Errorf("%s, %.60q: %d lines look like commands, want %d\n%.3000s", j.name, foreign, n, len(w.commands)+2*w.blocks, log)
			}
			kinds := map[string]int{}
			for _, c := range got {
				kinds[c.Name]++
				if (c.Name == "error" || c.Name == "warning" || c.Name == "notice") &&
					(kinds[c.Name] > ghatest.MaxAnnotations || len(utf16.Encode([]rune(c.Data))) > ghatest.MaxAnnotation) {
					t.Errorf("%s, %.60q: %s %d, of %d bytes", j.name, foreign, c.Name, kinds[c.Name], len(c.Data))
				}
			}
			if err := hides(masked); err != nil {
				t.Errorf("%s, %.60q: the log %v", j.name, foreign, err)
			}
		}
	}
}

// commandLike counts the lines that some runner might obey, whatever the names
// and whatever it takes for white space.
func commandLike(log string) (n int) {
	for line := range strings.SplitSeq(strings.ReplaceAll(log, "\r", "\n"), "\n") {
		line = strings.TrimLeftFunc(line, func(c rune) bool { return !unicode.IsGraphic(c) || unicode.IsSpace(c) })
		if strings.HasPrefix(line, "::") || strings.Contains(line, "##[") {
			n++
		}
	}
	return n
}

// checkOutputs holds that the outputs are those of the table, each on a line.
func checkOutputs(t *testing.T, foreign string) {
	t.Helper()
	for _, j := range jobs {
		file, w := j.tell(t, true, foreign).outputs, j.wants(foreign)
		got, err := ghatest.Outputs(file)
		if err != nil {
			t.Errorf("%s, %.60q: %v", j.name, foreign, err)
		}
		if !regexp.MustCompile(`^\d+$`).MatchString(got["duration"]) {
			t.Errorf("%s, %.60q: duration %q", j.name, foreign, got["duration"])
		}
		w.outputs["duration"] = got["duration"]
		if !maps.Equal(got, w.outputs) {
			t.Errorf("%s, %.60q: got %.3000q, want %.3000q", j.name, foreign, got, w.outputs)
		}
		for name, value := range got {
			if strings.Contains(value, "\n") || len(value) > maxOutput {
				t.Errorf("%s, %.60q: %s is %.200q, of %d bytes", j.name, foreign, name, value, len(value))
			}
		}
		if n := strings.Count(file, "\n"); n != 3*len(Outputs()) {
			t.Errorf("%s, %.60q: %d lines in the file, want 3 for each output", j.name, foreign, n)
		}
		if err := hides(file); err != nil {
			t.Errorf("%s, %.60q: the file %v", j.name, foreign, err)
		}
	}
}

// checkPage holds that the job summary shows what it is to show, as text.
func checkPage(t *testing.T, foreign string) {
	t.Helper()
	for _, j := range jobs {
		page, w := j.tell(t, true, foreign).page, j.wants(foreign)
		if len(page) > ghatest.MaxSummary {
			t.Errorf("%s, %.60q: a summary of %d bytes", j.name, foreign, len(page))
		}
		if err := hides(page); err != nil {
			t.Errorf("%s, %.60q: the summary %v", j.name, foreign, err)
		}
		got, err := shown([]byte(page))
		if err != nil {
			t.Errorf("%s, %.60q: %v\n%.3000s", j.name, foreign, err, page)
		}
		for i := range max(len(got), len(w.page)) {
			if i >= len(got) || i >= len(w.page) || got[i] != w.page[i] && !(w.page[i] == "| *" && duration.MatchString(got[i])) {
				t.Errorf("%s, %.60q: shows at %d\n%.3000q\nand not\n%.3000q", j.name, foreign, i, got[min(i, len(got)):], w.page[min(i, len(w.page)):])
				break
			}
		}
	}
}

// TestLongText has the attacks that are too long to begin fuzzing with.
func TestLongText(t *testing.T) {
	for _, foreign := range attacks {
		if len(foreign) > maxSeed {
			checkLog(t, foreign)
			checkOutputs(t, foreign)
			checkPage(t, foreign)
		}
	}
}

const maxSeed = 1000

func FuzzLog(f *testing.F)     { fuzz(f, checkLog) }
func FuzzOutputs(f *testing.F) { fuzz(f, checkOutputs) }
func FuzzPage(f *testing.F)    { fuzz(f, checkPage) }

func fuzz(f *testing.F, check func(*testing.T, string)) {
	for _, foreign := range attacks {
		if len(foreign) <= maxSeed {
			f.Add(foreign)
		}
	}
	f.Fuzz(check)
}
