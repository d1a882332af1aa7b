package summary

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

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
	commands []ghatest.Command
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
	w.commands = append(w.commands, ghatest.Command{Name: name, Properties: properties, Data: data})
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

func asked(foreign string) config.Config {
	return config.Config{APIKey: key, AgentName: foreign, Settings: pipecat.Settings{Image: foreign, BuildID: foreign}, Region: foreign, File: foreign, FileKeys: []string{"image"}}
}

// wrong are problems, one more than there may be annotations.
func wrong(foreign string) config.Problems {
	problems := config.Problems{{Input: foreign, Text: foreign, File: foreign, Line: 1}}
	for range ghatest.MaxAnnotations {
		problems = append(problems, config.Problem{Text: foreign})
	}
	return problems
}

var jobs = []job{
	{"a crash",
		func(r *Report, foreign string) {
			cfg, exit := asked(foreign), 1
			cfg.Warnings = []config.Problem{{Input: foreign, Text: foreign, File: foreign, Line: 1}}
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
			r.Poll(poll.AgentSeen{At: time.Now().Add(-20 * time.Second), Agent: agent, Look: look, Changed: true})
			r.Poll(poll.Alive{Stage: foreign})
			r.Poll(poll.Away{Err: &pipecat.Error{Status: 502, Message: foreign}})
			r.Poll(poll.Away{Err: &pipecat.Error{Status: 502, Body: foreign}})
			r.Poll(poll.Back{})
			r.Poll(poll.Trouble{})
			r.Logs(nil, &pipecat.Error{Status: 502, Message: foreign})
			r.Logs([]pipecat.LogLine{{Text: foreign}, {Text: "last " + foreign}}, nil)
			r.Explain(verdict.Verdict{Message: "it crashes: " + foreign}, diagnosis.Diagnosis{Cause: "cause " + foreign, Type: "type " + foreign, Hint: "Set `this`.",
				Place: &diagnosis.Place{File: "dir/" + foreign, Line: 3, Around: []diagnosis.SourceLine{{Number: 2, Text: "before"}, {Number: 3, Text: foreign}}}})
			r.Deploy(deploy.Change{Name: foreign, Undoes: "undo " + foreign, Plan: []deploy.Setting{{Name: "image", Before: "new " + foreign, After: "old " + foreign, From: "rollback"}}})
			r.Deploy(deploy.Lost{Why: &pipecat.Error{Status: 500, Body: foreign}})
			r.Deploy(deploy.Taken{ID: "undone " + foreign, Agent: &pipecat.Agent{}})
			r.Poll(poll.AgentSeen{At: time.Now().Add(-time.Second), Agent: agent, Look: poll.Look{Stage: "back " + foreign, Serving: poll.ServesOurs, Server: "undone " + foreign}, Changed: true})
			r.Finish(verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash, Message: "it crashes: " + foreign, Detail: "first\n" + foreign + "\nlast", Rollback: &verdict.Verdict{Status: verdict.Failed, Message: "no way back: " + foreign}})
		},
		func(w *want, foreign string) {
			agent, message := w.line(foreign), w.line("it crashes: "+foreign)
			file := w.line("dir/" + foreign)
			end := " – " + w.line("the rollback failed too; deployment "+short(w.line("undone "+foreign))+" still serves callers")
			failed := w.line("No way back: "+foreign) + "."
			affected := "Callers reached the new revision for about 19s."
			happened := " crashed after it took calls: "
			if foreign == "" { // so that it is not told who serves
				affected, happened = "Callers were not affected: an earlier deployment served them all along.", " crashed on start: "
			}
			headline := cut(w.line(agent+happened+w.line("type "+foreign)+" in "+file+":3"), maxHeadline-len(end)) + end
			w.page = []string{"## ✗ " + headline, cut(failed, maxCell), affected, "What to do: Set this."}
			detail := strings.TrimRight(cutMiddle(w.block("first\n"+foreign+"\nlast"), maxDetail), "\n")
			lines := "     2  before\n→    3  " + cut(strings.ReplaceAll(w.block(foreign), "\n", " "), maxCode)
			w.page = append(w.page, cut(file, maxCell)+", line 3:", "```\n"+lines+"\n", "```\n"+detail+"\n",
				"What may come next:", "```\n# how the agent is now\npipecat cloud agent status "+quoted(agent)+"\n# what it prints\npipecat cloud agent logs "+quoted(agent)+
					"\n")

			p := config.Problem{Input: foreign, Text: foreign, File: foreign, Line: 1}
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
			if !strings.Contains(headline, strings.TrimRight(message, ".")) {
				more += "\n" + w.line(cut(message, maxAnnotation/2))
			}
			w.command("error", cut(more+"\n"+cut(failed, maxLine)+"\n"+affected+"\nWhat to do: Set `this`.", maxAnnotation), "file", cut(file, 1000), "line", "3", "title", cut(w.line(agent+": type "+foreign), 200))
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
			r.Begin(asked(foreign))
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
				if i+1 < ghatest.MaxAnnotations {
					w.annotation(errorKind, about(p.Input), p.String(), at...)
				}
				w.page = append(w.page, "- "+cut(w.line(p.String()), maxCell))
			}
			maps.Copy(w.outputs, map[string]string{"status": "failed", "failure-reason": "inputs", "failure-message": wrong(foreign).Error()})
		}},
	{"a build",
		func(r *Report, foreign string) {
			cfg := asked(foreign)
			cfg.Settings.BuildID, cfg.Build.Latest = "", true
			r.Begin(cfg)
			build := &pipecat.Build{ID: foreign, Region: foreign, ContextHash: foreign}
			r.Deploy(deploy.Found{Build: build, Latest: true})
			r.Deploy(deploy.Found{Build: build})
			r.Deploy(deploy.Packing{})
			r.Deploy(deploy.Packed{Archive: &buildcontext.Archive{Hash: "h", Size: 1, Unpacked: 2, Files: 3, IgnoreFile: foreign, KeptOut: []string{foreign}, Left: []string{foreign}}})
			r.Deploy(deploy.Uploading{})
			r.Deploy(deploy.Repeated{What: "the upload", Why: &pipecat.UploadError{URL: foreign, Status: 403, Code: foreign, Message: foreign}})
			r.Deploy(deploy.Uploaded{})
			r.Deploy(deploy.Created{Build: build})
			r.Deploy(deploy.Created{Build: build, Cached: true})
			r.Poll(poll.BuildSeen{At: time.Now().Add(-time.Minute), Build: &pipecat.Build{Status: "at " + foreign}})
			r.Poll(poll.BuildPrinted{Lines: []string{"first", foreign}})
			r.Deploy(deploy.Unlogged{Why: &pipecat.Error{Status: 502, Message: foreign}})
			v := verdict.Verdict{Status: verdict.Failed, Reason: verdict.Build, Message: "it failed: " + foreign, Detail: "first\n" + foreign + "\nlast"}
			r.Explain(v, diagnosis.Diagnosis{Cause: "cause " + foreign})
			r.Finish(v)
		},
		func(w *want, foreign string) {
			agent, message := w.line(foreign), w.line("it failed: "+foreign)
			headline := agent + ": build " + short(agent) + " failed: " + w.line("cause "+foreign)
			if agent == "" { // so that it is not told which build
				headline = ": " + message
			}
			headline = strings.TrimRight(cut(w.line(headline), maxHeadline-len(" – nothing was changed")), ".") + " – nothing was changed"
			w.page = []string{"## ✗ " + headline, "What to do: The cloud build failed, or did not end in time. Its error says why.",
				"```\n" + strings.TrimRight(cutMiddle(w.block("first\n"+foreign+"\nlast"), maxDetail), "\n") + "\n"}
			if agent != "" {
				w.page = append(w.page, "What may come next:", "```\n# what the build printed\npipecat cloud build logs "+quoted(agent)+"\n")
			}

			w.command("add-mask", key)
			w.command("group", "Find the latest build")
			w.command("endgroup", "")
			w.command("group", "Pack the build context")
			w.annotation(warningKind, "Left out of the build", fmt.Sprintf("Left out of the build context, for it is neither a file nor a link (1 in all): %q", foreign))
			w.command("endgroup", "")
			w.command("group", "Upload the build context")
			w.command("endgroup", "")
			w.command("group", w.line("Wait for build "+short(agent)))
			w.command("endgroup", "")
			more := headline
			if !strings.Contains(headline, strings.TrimRight(message, ".")) {
				more += "\n" + w.line(cut(message, maxAnnotation/2))
			}
			more += "\nWhat to do: The cloud build failed, or did not end in time. Its error says why."
			printed := strings.Split(strings.TrimRight(w.block("first\n"+foreign+"\nlast"), "\n"), "\n")
			for _, line := range printed[max(0, len(printed)-10):] {
				more += "\n" + cut(w.line("│ "+line), maxLine)
			}
			w.command("error", cut(more, maxAnnotation), "title", cut(w.line(agent+": build"), 200))
			w.blocks = 2

			w.agent(foreign)
			w.row("Status", "failed")
			w.row("Reason", "build")
			w.row("Image", agent)
			w.row("Build", agent)
			w.row("Build context", "2 bytes in 3 files, packed to 1 byte, with hash h; built before")
			w.row("Took", "*")
			w.page = append(w.page, "```mermaid\n", "| ", "| Phase", "| Took", "| Build", "| "+cut(w.line("at "+foreign), 200), "| *")
			maps.Copy(w.outputs, map[string]string{"status": "failed", "failure-reason": "build", "failure-message": message})
		}},
	{"nothing new",
		func(r *Report, foreign string) {
			r.Begin(asked(foreign))
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
