package summary

import (
	"bufio"
	"bytes"
	"fmt"
	"html"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	renderer "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"

	"pipecat-cloud-deploy/crash"
	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/inputs"
	"pipecat-cloud-deploy/pipecat"
	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/runner"
	"pipecat-cloud-deploy/verdict"
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

const key = "sk_secret"

// job is one whose every text that is not ours is the given one, and what it
// is to leave behind.
type job struct {
	name string
	play func(r *Report, foreign string)
	want func(w *want, foreign string)
}

// want is what a job is to leave behind.
type want struct {
	Report   // cleans
	commands []runner.Command
	blocks   int // of foreign lines in the log
	outputs  map[string]string
	page     []string // as shown returns it
}

func (w *want) command(name, data string, pairs ...string) {
	properties := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		if value := strings.TrimLeft(pairs[i+1], "="); value != "" { // as the runner reads it
			properties[pairs[i]] = value
		}
	}
	w.commands = append(w.commands, runner.Command{Name: name, Properties: properties, Data: data})
}

func (w *want) annotation(k kind, title, text string, at ...string) {
	w.command(string(k), cut(cut(w.line(text), maxLine), maxAnnotation), append(at, "title", cut(w.line(title), 200))...)
	if k != errorKind {
		w.page = append(w.page, "> "+strings.TrimRight(cut("⚠ "+cut(w.line(text), maxLine), maxCell), " "))
	}
}

// row is one of a table; the cell shows some text that is not ours, if any.
func (w *want) row(name, cell string) {
	if cell != "" {
		w.page = append(w.page, "| "+name, "| "+w.cell(cell))
	}
}

func (w *want) cell(foreign string) string {
	if s := cut(w.line(foreign), maxCell); s != "" {
		return s
	}
	return "–"
}

// agent is the first row of the facts.
func (w *want) agent(foreign string) {
	region := ""
	if foreign != "" {
		region = " in " + w.cell(foreign)
	}
	w.page = append(w.page, "| Agent", "| "+w.cell(foreign)+region)
}

func config(foreign string) inputs.Config {
	return inputs.Config{APIKey: key, AgentName: foreign, Image: foreign, BuildID: foreign, Region: foreign, File: foreign, FileKeys: []string{"image"}}
}

// wrong are problems, one more than there may be annotations.
func wrong(foreign string) inputs.Problems {
	problems := inputs.Problems{{Input: foreign, Text: foreign, File: foreign, Line: 1}}
	for range runner.MaxAnnotations {
		problems = append(problems, inputs.Problem{Text: foreign})
	}
	return problems
}

var jobs = []job{
	{"a crash",
		func(r *Report, foreign string) {
			cfg, exit := config(foreign), 1
			cfg.Warnings = []inputs.Problem{{Input: foreign, Text: foreign, File: foreign, Line: 1}}
			r.Begin(cfg)
			r.Poll(poll.BuildSeen{At: time.Now().Add(-time.Hour), Build: &pipecat.Build{Status: foreign}})
			r.Retrying(&pipecat.Error{Status: 502, Body: foreign}, time.Second)
			r.Deploy(deploy.Change{Name: foreign, Before: &pipecat.Agent{Region: foreign, DesiredDeploymentID: "old " + foreign}, Artefact: deploy.Artefact{Image: "a:b"},
				Plan: []deploy.Setting{{Name: "image", Before: "old " + foreign, After: "new " + foreign, From: "file " + foreign}, {Name: "secret-set", Before: foreign, After: foreign}}})
			r.Deploy(deploy.Held{Next: 1, Why: &pipecat.Error{Status: 409, Message: foreign, Code: foreign}})
			r.Deploy(deploy.Lost{Why: &pipecat.Error{Status: 500, Message: foreign}})
			r.Deploy(deploy.Lost{Why: &pipecat.Error{Status: 500, Body: foreign}})
			r.Deploy(deploy.Doubted{Why: &pipecat.Error{Status: 422, Message: foreign}})
			r.Deploy(deploy.Unread{Why: &pipecat.Error{Status: 502, Message: foreign}})
			r.Deploy(deploy.Taken{ID: foreign, Previous: "old " + foreign, Agent: &pipecat.Agent{Region: foreign, Warning: "careful: " + foreign}})
			look := poll.Look{Stage: "stage " + foreign, Reason: foreign, Serving: poll.ServesPrevious, Server: foreign, Ready: 1, Restarts: 1}
			agent := &pipecat.Agent{CurrentRevision: &pipecat.Revision{DeploymentID: foreign, Health: &pipecat.Health{LastExitCode: &exit, RestartCount: 1}}}
			r.Poll(poll.AgentSeen{At: time.Now().Add(-time.Minute), Agent: agent, Look: look, Changed: true})
			r.Poll(poll.Alive{Stage: foreign})
			r.Poll(poll.Away{Err: &pipecat.Error{Status: 502, Message: foreign}})
			r.Poll(poll.Away{Err: &pipecat.Error{Status: 502, Body: foreign}})
			r.Poll(poll.Back{})
			r.Poll(poll.Trouble{})
			r.Logs(nil, &pipecat.Error{Status: 502, Message: foreign})
			r.Logs([]pipecat.LogLine{{Text: foreign}, {Text: "last " + foreign}}, nil)
			r.Explain(verdict.Verdict{Message: "it crashes: " + foreign}, crash.Diagnosis{Cause: "cause " + foreign, Type: "type " + foreign, Hint: "Set `this`.",
				Place: &crash.Place{File: "dir/" + foreign, Line: 3, Around: []crash.SourceLine{{Number: 2, Text: "before"}, {Number: 3, Text: foreign}}}})
			r.Deploy(deploy.Change{Name: foreign, Undoes: "undo " + foreign, Plan: []deploy.Setting{{Name: "image", Before: "new " + foreign, After: "old " + foreign, From: "rollback"}}})
			r.Deploy(deploy.Lost{Why: &pipecat.Error{Status: 500, Body: foreign}})
			r.Deploy(deploy.Taken{ID: "undone " + foreign, Agent: &pipecat.Agent{}})
			r.Poll(poll.AgentSeen{At: time.Now().Add(-time.Second), Agent: agent, Look: poll.Look{Stage: "back " + foreign, Serving: poll.ServesOurs, Server: "undone " + foreign}, Changed: true})
			r.Finish(verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash, Message: "it crashes: " + foreign, Detail: "first\n" + foreign + "\nlast", Rollback: "no way back: " + foreign})
		},
		func(w *want, foreign string) {
			agent, message := w.line(foreign), w.line("it crashes: "+foreign)
			file := w.line("dir/" + foreign)
			end := " – " + w.line(cut(w.line("no way back: "+foreign), 120)+"; deployment "+short(w.line("undone "+foreign))+" still serves callers")
			affected := "Callers reached the failed revision for about 59s."
			happened := " crashed after it took calls: "
			if foreign == "" { // so that it is not told who serves
				affected, happened = "Callers were not affected: an earlier deployment served them all along.", " crashed on start: "
			}
			headline := cut(w.line(agent+happened+w.line("type "+foreign)+" in "+file+":3"), maxHeadline-len(end)) + end
			w.page = []string{"## ✗ " + headline, affected, "What to do: Set this."}
			detail := strings.TrimRight(cutMiddle(w.block("first\n"+foreign+"\nlast"), maxDetail), "\n")
			lines := "     2  before\n→    3  " + cut(strings.ReplaceAll(w.block(foreign), "\n", " "), maxCode)
			w.page = append(w.page, cut(file, maxCell)+", line 3:", "```\n"+lines+"\n", "```\n"+detail+"\n",
				"What may come next:", "```\n# how the agent is now\npipecat cloud agent status "+quoted(agent)+"\n# what it prints\npipecat cloud agent logs "+quoted(agent)+
					"\n# this job again, once what broke is mended\ngh run rerun 42 --failed --repo 'acme/it'\\''s'\n")

			p := inputs.Problem{Input: foreign, Text: foreign, File: foreign, Line: 1}
			w.command("add-mask", key)
			at := []string{"file", cut(w.line(foreign), 1000), "line", "1"}
			if w.line(foreign) == "" {
				at = nil
			}
			w.annotation(warningKind, about(foreign), p.String(), at...)
			w.command("group", w.line("Wait for build "+short(agent)))
			w.command("endgroup", "")
			w.command("group", cut(w.line("Update "+agent), maxLine))
			w.annotation(warningKind, "No clear answer",
				"The update got no clear answer. The agent is read, to see whether it was taken, before anything is sent again:  : 500 Internal Server Error"+with(": ", foreign))
			w.annotation(warningKind, "The platform warns", "careful: "+foreign)
			w.command("endgroup", "")
			w.command("group", w.line("Wait for deployment "+short(foreign)))
			w.annotation(warningKind, "The API cannot be read", "The API cannot be read; waiting goes on:  : 502 Bad Gateway"+with(": ", foreign))
			w.annotation(warningKind, "Trouble at the platform", "The platform tells of an infrastructure issue of its own; if that lasts, ask its support.")
			w.command("endgroup", "")
			w.command("group", "The agent's log, its last 2 lines")
			w.command("endgroup", "")
			w.command("group", cut(w.line("Roll back "+agent), maxLine))
			w.command("endgroup", "")
			w.command("group", w.line("Wait for the rollback, deployment "+short("undone "+foreign)))
			w.command("endgroup", "")
			more := headline
			if !strings.Contains(headline, message) {
				more += "\n" + w.line(cut(message, maxAnnotation/2))
			}
			w.command("error", cut(more+"\n"+affected+"\nWhat to do: Set `this`.", maxAnnotation), "file", cut(file, 1000), "line", "3", "title", cut(w.line(agent+": type "+foreign), 200))
			w.blocks = 2

			w.agent(foreign)
			w.row("Status", "failed")
			w.row("Reason", "crash")
			w.row("Deployment", foreign)
			w.row("Previous deployment", "old "+foreign)
			w.row("Image", agent)
			w.row("Build", agent)
			w.row("Replicas", "1 ready")
			w.row("Exit code", "1")
			w.row("Restarts", "1")
			w.row("Rollback", "undone "+foreign)
			w.row("Serves now", "undone "+foreign)
			w.row("Took", "*")
			w.page = append(w.page, "```mermaid\n", "| ", "| Phase", "| Took", "| Build", "| "+cut(w.line(foreign), 200), "| *",
				"| Rollout", "| "+cut(w.line("stage "+foreign), 200), "| *", "| Rollback", "| "+cut(w.line("back "+foreign), 200), "| *")
			cell := func(s string) string { return "| " + cut(w.line(s), maxCell) }
			dash := func(s string) string {
				if s == "" {
					return "| not told"
				}
				if w.line(s) == "" {
					return "| –"
				}
				return cell(s)
			}
			w.page = append(w.page, "<details><summary>The change</summary>\n", "| Setting", "| Before", "| After", "| From",
				"| image", cell("old "+foreign), cell("new "+foreign), "| "+cut(w.line("file "+foreign), 200),
				"| secret-set", dash(foreign), "| as before", "| ", "</details>\n")
			agentLog := strings.TrimRight(w.block(foreign), "\n") + "\n" + strings.TrimRight(w.block("last "+foreign), "\n")
			w.page = append(w.page, "<details><summary>The agent's log, its last 2 lines</summary>\n",
				"```\n"+strings.TrimRight(cutMiddle(agentLog, maxDetail), "\n")+"\n", "</details>\n")

			maps.Copy(w.outputs, map[string]string{"status": "failed", "deployment-id": foreign, "previous-deployment-id": "old " + foreign,
				"ready-replicas": "1", "failure-reason": "crash", "failure-message": message + " – " + w.line("no way back: "+foreign)})
		}},
	{"wrong inputs",
		func(r *Report, foreign string) {
			r.Begin(config(foreign))
			r.Problems(wrong(foreign))
			r.Finish(verdict.Verdict{Status: verdict.Failed, Reason: verdict.Inputs, Message: wrong(foreign).Error()})
		},
		func(w *want, foreign string) {
			w.command("add-mask", key)
			w.page = []string{"## ✗ Nothing was sent: 11 problems with the inputs"}
			w.annotation(errorKind, "Inputs", "Nothing was sent: 11 problems with the inputs")
			for i, p := range wrong(foreign) {
				at := []string{"file", cut(w.line(p.File), 1000), "line", "1"}
				if w.line(p.File) == "" {
					at = nil
				}
				if i+1 < runner.MaxAnnotations {
					w.annotation(errorKind, about(p.Input), p.String(), at...)
				}
				w.page = append(w.page, "- "+cut(w.line(p.String()), maxCell))
			}
			maps.Copy(w.outputs, map[string]string{"status": "failed", "failure-reason": "inputs", "failure-message": wrong(foreign).Error()})
		}},
	{"nothing new",
		func(r *Report, foreign string) {
			r.Begin(config(foreign))
			r.Deploy(deploy.Change{Name: foreign, Force: true, Before: &pipecat.Agent{Region: foreign, DesiredDeploymentID: foreign}})
			r.Deploy(deploy.Taken{ID: foreign, Previous: foreign, Agent: &pipecat.Agent{Region: foreign, Warning: foreign}})
			r.Finish(verdict.Verdict{Status: verdict.Unchanged})
		},
		func(w *want, foreign string) {
			agent := w.line(foreign)
			w.page = []string{"## ✓ " + cut(w.line(agent+" has no new deployment: "+short(agent)+" stays"), maxHeadline)}
			w.command("add-mask", key)
			w.command("group", cut(w.line("Update "+agent), maxLine))
			w.annotation(warningKind, "No new deployment",
				"The platform made no new deployment, although force-redeploy asks for one."+with(" The platform says: ", foreign))
			w.command("endgroup", "")
			w.agent(foreign)
			w.row("Status", "unchanged")
			w.row("Deployment", foreign)
			w.row("Image", agent)
			w.row("Build", agent)
			w.row("Took", "*")
			maps.Copy(w.outputs, map[string]string{"status": "unchanged", "deployment-id": foreign, "previous-deployment-id": foreign})
		}},
}

// quoted is a word as a shell takes it.
func quoted(s string) string {
	if s = cut(s, maxCell); s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c > '~' || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("_./:-", c)
	}) {
		return s
	}
	return "'" + strings.Join(strings.Split(s, "'"), `'\''`) + "'"
}

// told is what a job leaves behind.
type told struct{ log, outputs, page string }

// tell runs a job.
func (j job) tell(t *testing.T, onRunner bool, foreign string) told {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{"GITHUB_RUN_ID": "42", "GITHUB_REPOSITORY": "acme/it's", "GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary")}
	if onRunner {
		env["GITHUB_ACTIONS"] = "true"
	}
	var log bytes.Buffer
	j.play(New(&log, func(name string) string { return env[name] }), foreign)
	read := func(name string) string {
		data, err := os.ReadFile(env[name])
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	return told{log.String(), read("GITHUB_OUTPUT"), read("GITHUB_STEP_SUMMARY")}
}

// wants says what a job is to leave behind.
func (j job) wants(foreign string) *want {
	w := &want{Report: Report{key: key}, outputs: map[string]string{}}
	for _, o := range Outputs() {
		w.outputs[o.Name] = ""
	}
	for _, name := range []string{"agent-name", "service-name", "region", "image", "build-id"} {
		w.outputs[name] = foreign
	}
	j.want(w, foreign)
	for name, value := range w.outputs {
		w.outputs[name] = cut(w.line(value), maxOutput)
	}
	return w
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
			got := runner.Commands(log)
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
					(kinds[c.Name] > runner.MaxAnnotations || len(utf16.Encode([]rune(c.Data))) > runner.MaxAnnotation) {
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
		got, err := runner.Outputs(file)
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
		if len(page) > runner.MaxSummary {
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

// folds are the HTML that hides the agent's log until it is asked for.
var folds = regexp.MustCompile(`^(<details><summary>(The change|How long it took|The agent's log, its last (\d+ lines|line))</summary>|</details>)\n$`)

// chart is what a timeline may be: nothing of a name may be more than a name.
var chart = regexp.MustCompile(`^gantt\n    dateFormat YYYY-MM-DD HH:mm:ss\.SSS\n    axisFormat (%H:)?%M:%S\n` +
	`(    section (Build|Rollout|Rollback)\n(    \d[\d.hms]+ [^\x00-\x1f#;:%{}"]+ :(done|crit)(, 2000-01-0\d \d\d:\d\d:\d\d\.\d{3}){2}\n)+)+$`)

var duration = regexp.MustCompile(`^\| (\d+\.\ds|(\d+m)?\d+s)$`)

var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser()

// shown reads a page as GitHub does, and returns the text of its blocks with
// the mark of each: "## " for the heading, "> " for a note, "- " for an item,
// "| " for a cell, "```\n" for what is fenced. What the page never has is an
// error: links, images, HTML, more than text in a text.
func shown(page []byte) (blocks []string, err error) {
	node := gfm.Parse(text.NewReader(page))
	if node.FirstChild() == nil || node.FirstChild().Kind() != ast.KindHeading {
		return nil, fmt.Errorf("no heading first")
	}
	add := func(mark string, n ast.Node, own int) {
		s, e := plain(n, page, own)
		if e != nil && err == nil {
			err = e
		}
		blocks = append(blocks, mark+s)
	}
	headings, fences := 0, 0
	walk := func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		parent := n.Parent()
		top := parent != nil && parent.Kind() == ast.KindDocument
		switch n := n.(type) {
		case *ast.Document:
			return ast.WalkContinue, nil
		case *ast.Heading:
			if headings++; !top || n.Level != 2 || headings > 1 {
				return ast.WalkStop, fmt.Errorf("heading %d, of level %d", headings, n.Level)
			}
			add("## ", n, 0)
		case *ast.Paragraph:
			switch {
			case top:
				add("", n, 1)
			case parent.Kind() == ast.KindBlockquote && parent.ChildCount() == 1:
				add("> ", n, 0)
			default:
				return ast.WalkStop, fmt.Errorf("a paragraph in a %v", parent.Kind())
			}
		case *ast.FencedCodeBlock:
			if fences++; !top || fences > 5 {
				return ast.WalkStop, fmt.Errorf("fence %d, in a %v", fences, parent.Kind())
			}
			if string(n.Language(page)) == "mermaid" {
				if text := string(n.Lines().Value(page)); !chart.MatchString(text) {
					return ast.WalkStop, fmt.Errorf("the chart is\n%s", text)
				}
				blocks = append(blocks, "```mermaid\n")
				break
			}
			blocks = append(blocks, "```\n"+string(n.Lines().Value(page)))
		case *ast.HTMLBlock:
			tag := string(n.Lines().Value(page))
			if !top || !folds.MatchString(tag) {
				return ast.WalkStop, fmt.Errorf("HTML %q", tag)
			}
			blocks = append(blocks, tag)
		case *ast.Blockquote, *ast.List:
			if !top {
				return ast.WalkStop, fmt.Errorf("a %v in a %v", n.Kind(), parent.Kind())
			}
			return ast.WalkContinue, nil
		case *ast.ListItem:
			if n.ChildCount() == 0 {
				blocks = append(blocks, "- ")
			}
			return ast.WalkContinue, nil
		case *ast.TextBlock:
			if parent.Kind() != ast.KindListItem || parent.ChildCount() != 1 {
				return ast.WalkStop, fmt.Errorf("text in a %v", parent.Kind())
			}
			add("- ", n, 0)
		case *tables.Table:
			if !top {
				return ast.WalkStop, fmt.Errorf("a table in a %v", parent.Kind())
			}
			return ast.WalkContinue, nil
		case *tables.TableHeader, *tables.TableRow:
			if c := n.ChildCount(); c < 2 || c > 4 {
				return ast.WalkStop, fmt.Errorf("a row with %d cells", n.ChildCount())
			}
			return ast.WalkContinue, nil
		case *tables.TableCell:
			add("| ", n, 0)
		default:
			return ast.WalkStop, fmt.Errorf("a %v", n.Kind())
		}
		return ast.WalkSkipChildren, nil
	}
	if e := ast.Walk(node, walk); e != nil {
		return blocks, e
	}
	return blocks, err
}

// plain returns the text in a block, as it shows but without joiners. Of
// emphasis it allows so many.
func plain(block ast.Node, page []byte, emphasis int) (string, error) {
	var all, words, raw strings.Builder // words and raw are without code
	err := ast.Walk(block, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n == block {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			if n.SoftLineBreak() || n.HardLineBreak() {
				return ast.WalkStop, fmt.Errorf("more than a line in a %v", block.Kind())
			}
			var b bytes.Buffer
			out := bufio.NewWriter(&b)
			renderer.DefaultWriter.Write(out, n.Value(page))
			_ = out.Flush()
			s := html.UnescapeString(b.String())
			all.WriteString(s)
			words.WriteString(s)
			raw.Write(n.Value(page))
		case *ast.CodeSpan:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				all.Write(c.(*ast.Text).Value(page))
			}
			words.WriteString("\n")
			raw.WriteString("\n")
			return ast.WalkSkipChildren, nil
		case *ast.RawHTML:
			if tag := string(n.Segments.Value(page)); tag != "<code>" && tag != "</code>" {
				return ast.WalkStop, fmt.Errorf("HTML %q", tag)
			}
		case *ast.Emphasis:
			if emphasis--; emphasis < 0 || n.Level != 2 {
				return ast.WalkStop, fmt.Errorf("emphasis in a %v", block.Kind())
			}
		default:
			return ast.WalkStop, fmt.Errorf("a %v in a %v", n.Kind(), block.Kind())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	if m := extras.FindString(words.String()); m != "" {
		return "", fmt.Errorf("GitHub makes something of %q", m)
	}
	if m := math.FindString(raw.String()); m != "" {
		return "", fmt.Errorf("GitHub may see a formula from %q", m)
	}
	return strings.ReplaceAll(all.String(), html.UnescapeString(joiner), ""), nil
}

var (
	// extras are what GitHub makes of a text beyond GFM: mentions and mail
	// addresses, references, pictures, links.
	extras = regexp.MustCompile(`(?i)@[\pL\d]|#\d|\bgh-\d|:[\pL\d_+-]+:|://|www\.`)
	// math is a dollar sign that no backslash escapes.
	math = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\$`)
)

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
