package summary

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/dockerfile"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	key           = ghatest.Secret
	maxAnnotation = 4000 // bytes that the log gives an annotation
)

// story is a job whose every text that is not ours is the given one, and what it
// is to leave behind.
type story struct {
	name string
	play func(p *player, foreign string)
	want func(w *want, foreign string)
}

// want is what a job is to leave behind.
type want struct {
	untrusted.Cleaner
	commands []ghatest.Command
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

func (w *want) annotation(k gha.Kind, title, text string, at ...string) {
	w.command(string(k), untrusted.Cut(untrusted.Cut(w.Line(text), maxLine), maxAnnotation), append(at, "title", untrusted.Cut(w.Line(title), 200))...)
	if k != gha.Error {
		w.page = append(w.page, "> "+strings.TrimRight(untrusted.Cut("⚠ "+untrusted.Cut(w.Line(text), maxLine), maxCell), " "))
	}
}

// row is one of a table; the cell shows some text that is not ours, if any.
func (w *want) row(name, cell string) {
	if cell != "" {
		w.page = append(w.page, "| "+name, "| "+w.cell(cell))
	}
}

func (w *want) cell(foreign string) string {
	if s := untrusted.Cut(w.Line(foreign), maxCell); s != "" {
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

func asked(foreign string) event.Configured {
	return event.Configured{Image: foreign, BuildID: foreign, Region: foreign, File: foreign, FileKeys: []string{"image"}, Sources: map[string]string{"image": "file " + foreign}}
}

// wrong are problems, one more than there may be annotations.
func wrong(foreign string) []event.Problem {
	problems := []event.Problem{{Input: foreign, Text: foreign, File: foreign, Line: 1}}
	for range ghatest.MaxAnnotations {
		problems = append(problems, event.Problem{Text: foreign})
	}
	return problems
}

// joined are the texts of problems.
func joined(problems []event.Problem) string {
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, "; ")
}

var jobs = []story{
	{"a crash",
		func(p *player, foreign string) {
			cfg, exit := asked(foreign), 1
			cfg.Warnings = []event.Problem{{Input: foreign, Text: foreign, File: foreign, Line: 1}}
			p.emit(cfg)
			p.in(event.Build).emit(event.BuildStatus{Status: foreign}, event.Retrying{Try: event.TryRead, Err: &pipecat.Error{Status: 502, Body: foreign}, In: time.Second})
			p.after(time.Hour-20*time.Second).in(event.Update).emit(
				event.Planned{Region: foreign, Previous: "old " + foreign, Image: "a:b", NeedsDeployment: true, Changes: []settings.Change{
					{Name: "image", Before: "old " + foreign, After: "new " + foreign, Asked: true, Moves: true},
					{Name: "secret-set", Before: foreign, After: foreign}}},
				event.Retrying{Try: event.TryUpdate, In: 1, Err: &pipecat.Error{Status: 409, Message: foreign, Code: foreign}},
				event.ResponseLost{Err: &pipecat.Error{Status: 500, Message: foreign}},
				event.ResponseLost{Err: &pipecat.Error{Status: 500, Body: foreign}},
				event.ResponseLost{Refused: true, Err: &pipecat.Error{Status: 422, Message: foreign}},
				event.Retrying{Try: event.TryLookup, Err: &pipecat.Error{Status: 502, Message: foreign}},
				event.Accepted{ID: foreign, Previous: "old " + foreign, Region: foreign, Warning: "careful: " + foreign})
			look := revision.Observation{HasRevision: true, Health: &pipecat.Health{LastExitCode: &exit, RestartCount: new(1)}, State: revision.State{
				Stage: revision.InPhase("stage " + foreign), Reason: foreign, Serving: revision.ServingPrevious, ServingID: foreign, Ready: 1, Restarts: 1}}
			p.in(event.Rollout).emit(event.Observed{Observation: look, Changed: true},
				event.Heartbeat{Still: foreign},
				event.Unreachable{Err: &pipecat.Error{Status: 502, Message: foreign}},
				event.Unreachable{Err: &pipecat.Error{Status: 502, Body: foreign}},
				event.Recovered{},
				event.PlatformIssue{},
				event.Output{Source: event.AgentLog, Err: &pipecat.Error{Status: 502, Message: foreign}},
				event.Output{Source: event.AgentLog, Lines: []string{foreign, "last " + foreign}},
				event.Diagnosed{Diagnosis: diagnosis.Diagnosis{Cause: "cause " + foreign, Type: "type " + foreign, Hint: "Set `this`.",
					Place: &diagnosis.Place{File: "dir/" + foreign, Line: 3, Around: []diagnosis.SourceLine{{Number: 2, Text: "before"}, {Number: 3, Text: foreign}}}}})
			p.after(19*time.Second).in(event.Revert).emit(
				event.Planned{RevertsID: "undo " + foreign, RevertedFailure: "it crashes: " + foreign,
					Changes: []settings.Change{{Name: "image", Before: "new " + foreign, After: "old " + foreign, Asked: true, Moves: true}}},
				event.ResponseLost{Err: &pipecat.Error{Status: 500, Body: foreign}},
				event.Accepted{ID: "undone " + foreign},
				event.Observed{Changed: true, Observation: revision.Observation{State: revision.State{
					Stage: revision.InPhase("back " + foreign), Serving: revision.ServingOurs, ServingID: "undone " + foreign}}})
			p.after(time.Second).emit(red(verdict.Failure{Reason: verdict.Crash, Message: "it crashes: " + foreign, Evidence: []verdict.Evidence{{From: verdict.FromContainer, Text: "first\n" + foreign + "\nlast"}},
				Rollback: &verdict.Rollback{Message: "no way back: " + foreign, Failure: &verdict.Failure{Reason: verdict.Refused}}}))
		},
		func(w *want, foreign string) {
			agent, message := w.Line(foreign), w.Line("it crashes: "+foreign)
			file := w.Line("dir/" + foreign)
			end := " – " + w.Line("the rollback failed, too; deployment "+short(w.Line("undone "+foreign))+" is still serving calls")
			failed := w.Line("No way back: "+foreign) + "."
			affected := "Callers reached the failed version for about 19s."
			happened := "b crashed after taking calls on "
			if foreign == "" { // so that it is unknown what serves
				affected, happened = "Callers were not affected: an earlier deployment served all calls.", "b crashed on "
			}
			where := agent
			if w.Line(foreign) != "" {
				where += " (" + w.Line(foreign) + ")"
			}
			headline := untrusted.Cut(w.Line(happened+where+": "+w.Line("type "+foreign)+" in "+file+":3"), maxHeadline-len(end)) + end
			const risk = "The failed version stays the target: a restart or scale-up would use it."
			w.page = []string{"## ✗ " + headline, untrusted.Cut(failed, maxCell), affected, risk, "What to do: Set this."}
			detail := strings.TrimRight(untrusted.CutMiddle(w.Block("first\n"+foreign+"\nlast"), maxDetail), "\n")
			lines := "  2  before\n→ 3  " + untrusted.Cut(strings.ReplaceAll(w.Block(foreign), "\n", " "), maxCode)
			w.page = append(w.page, strings.TrimRight(fmt.Sprintf("%s:3 %s", untrusted.Cut(file, maxCell), untrusted.Cut(w.Line("cause "+foreign), maxCell)), " "), "```\n"+lines+"\n",
				fmt.Sprintf("<details><summary>Error output (%d lines)</summary>\n", strings.Count(strings.TrimRight(w.Block("first\n"+foreign+"\nlast"), "\n"), "\n")+1), "```\n"+detail+"\n", "</details>\n")

			p := event.Problem{Input: foreign, Text: foreign, File: foreign, Line: 1}
			w.command("add-mask", key)
			at := []string{"file", untrusted.Cut(w.Line(foreign), 1000), "line", "1"}
			if w.Line(foreign) == "" {
				at = nil
			}
			w.annotation(gha.Warning, about(foreign), p.String(), at...)
			w.command("group", w.Line("Wait for build "+short(agent)))
			w.command("endgroup", "")
			w.command("group", untrusted.Cut(w.Line("Update "+agent), maxLine))
			w.annotation(gha.Warning, "No clear response",
				"No clear response to the update; it may have been accepted. Checking the agent before sending anything again:  : 500 Internal Server Error"+with(": ", foreign))
			w.annotation(gha.Warning, "Pipecat Cloud warns", "careful: "+foreign)
			w.command("endgroup", "")
			w.command("group", w.Line("Wait for deployment "+short(foreign)))
			w.annotation(gha.Warning, "API unreachable", "The API is unreachable. Still waiting:  : 502 Bad Gateway"+with(": ", foreign))
			w.annotation(gha.Warning, "Infrastructure problem", "Pipecat Cloud reports an infrastructure problem. If it persists, contact support.")
			w.command("endgroup", "")
			w.command("group", "Agent log (last 2 lines)")
			w.command("endgroup", "")
			w.command("group", untrusted.Cut(w.Line("Roll back "+agent), maxLine))
			w.command("endgroup", "")
			w.command("group", w.Line("Wait for the rollback (deployment "+short("undone "+foreign)+")"))
			w.command("endgroup", "")
			more := headline
			if !strings.Contains(headline, strings.TrimRight(message, ".")) {
				more += "\n" + w.Line(untrusted.Cut(message, maxMessage))
			}
			w.command("error", untrusted.Cut(more+"\n"+untrusted.Cut(failed, maxLine)+"\n"+affected+"\n"+risk+"\nWhat to do: Set this.", maxAnnotation), "file", untrusted.Cut(file, 1000), "line", "3", "title", untrusted.Cut(w.Line(agent+": type "+foreign), 200))

			undone := w.Line("undone " + foreign)
			w.page = append(w.page, "| ", "| "+untrusted.Cut(w.Line("deployment "+short(undone)), maxCell)+" (serving calls)", "| b (failed)",
				"| Replicas", "| –", "| 1 ready, 1 restart", "| Deployment", "| "+short(undone), "| "+cmp.Or(short(w.Line(foreign)), "–"))
			w.page = append(w.page, "<details><summary>Details</summary>\n")
			w.agent(foreign)
			w.row("Status", "failed")
			w.row("Reason", "crash")
			w.row("Platform's reason", foreign)
			w.row("Exit code", "1")
			if foreign != "" {
				w.row("Deployment", foreign)
			}
			w.row("Previous deployment", "old "+foreign)
			w.row("Image", agent)
			w.row("Build", agent)
			w.row("Rollback", "undone "+foreign)
			w.row("Duration", "1h")
			w.page = append(w.page, "</details>\n")
			cell := func(s string) string { return untrusted.Cut(w.Line(s), maxCell) }
			w.page = append(w.page, "<details><summary>Change</summary>\n", "1 changed:",
				fmt.Sprintf("- image: %s → %s (%s)", cell("old "+foreign), cell("new "+foreign), untrusted.Cut(w.Line("file "+foreign), 200)),
				"1 unchanged: "+cell("secret-set"+with(": ", foreign)), "</details>\n")
			agentLog := strings.TrimRight(w.Block(foreign), "\n") + "\n" + strings.TrimRight(w.Block("last "+foreign), "\n")
			w.page = append(w.page, "<details><summary>Agent log (last 2 lines)</summary>\n",
				"```\n"+strings.TrimRight(untrusted.CutMiddle(agentLog, maxDetail), "\n")+"\n", "</details>\n",
				"<details><summary>Timeline</summary>\n", "| ", "| Phase", "| Duration", "| Build", "| "+untrusted.Cut(w.Line(foreign), 200), "| 59m 40s",
				"| Rollout", "| "+untrusted.Cut(w.Line("stage "+foreign), 200), "| 19s", "| Rollback", "| "+untrusted.Cut(w.Line("back "+foreign), 200), "| 1.0s", "</details>\n")

			maps.Copy(w.outputs, map[string]string{"status": "failed", "changed": "true", "deployment-id": foreign, "previous-deployment-id": "old " + foreign,
				"ready-replicas": "1", "duration": "3600", "failure-reason": "crash", "failure-message": message + " – " + w.Line("no way back: "+foreign)})
		}},
	{"wrong inputs",
		func(p *player, foreign string) {
			p.emit(asked(foreign), event.InvalidInputs{Problems: wrong(foreign)}, red(verdict.Failure{Reason: verdict.Inputs, Message: joined(wrong(foreign))}))
		},
		func(w *want, foreign string) {
			w.command("add-mask", key)
			w.page = []string{"## ✗ 11 invalid inputs; nothing was sent"}
			w.annotation(gha.Error, "Inputs", "11 invalid inputs; nothing was sent")
			for i, p := range wrong(foreign) {
				at := []string{"file", untrusted.Cut(w.Line(p.File), 1000), "line", "1"}
				if w.Line(p.File) == "" {
					at = nil
				}
				if i+1 < ghatest.MaxAnnotations {
					w.annotation(gha.Error, about(p.Input), p.String(), at...)
				}
				w.page = append(w.page, "- "+untrusted.Cut(w.Line(p.String()), maxCell))
			}
			maps.Copy(w.outputs, map[string]string{"status": "failed", "failure-reason": "inputs", "failure-message": joined(wrong(foreign))})
		}},
	{"a build",
		func(p *player, foreign string) {
			cfg := asked(foreign)
			cfg.BuildID = ""
			p.emit(cfg).in(event.Build).emit(
				event.BuildFound{ID: foreign, Region: foreign, ContextHash: foreign, Latest: true},
				event.BuildFound{ID: foreign, Region: foreign, ContextHash: foreign},
				event.Progress{Activity: event.Packing},
				event.Packed{Hash: "h", Size: 1, Unpacked: 2, Files: 3, IgnoreFile: foreign, Secrets: []string{foreign}, NamedSecrets: []string{foreign}, Irregular: []string{foreign}},
				event.Missing{Dockerfile: "app/" + foreign, IgnoreFile: foreign, Context: foreign, Sources: []buildcontext.Missing{{
					Source: dockerfile.Source{Instruction: "COPY", Line: 3, Written: foreign}, Reason: buildcontext.LinkOutside, Paths: []string{foreign}, Link: foreign, Fails: true}}},
				event.Progress{Activity: event.Uploading},
				event.Retrying{Try: event.TryUpload, Err: &pipecat.UploadError{URL: foreign, Status: 403, Code: foreign, Message: foreign}},
				event.Retrying{Try: event.TryBuildRequest, Err: &pipecat.Error{Status: 502, Message: foreign}},
				event.Uploaded{},
				event.BuildStarted{ID: foreign},
				event.BuildStarted{ID: foreign, Reused: true},
				event.BuildStatus{ID: foreign, Status: "at " + foreign},
				event.Output{Source: event.BuildLog, Lines: []string{"first", foreign}},
				event.Output{Source: event.BuildTail, Err: &pipecat.Error{Status: 502, Message: foreign}},
				event.Diagnosed{Diagnosis: diagnosis.Diagnosis{Cause: "cause " + foreign}})
			p.after(time.Minute).emit(red(verdict.Failure{Reason: verdict.Build, Message: "it failed: " + foreign, Evidence: []verdict.Evidence{{From: verdict.FromContainer, Text: "first\n" + foreign + "\nlast"}}}))
		},
		func(w *want, foreign string) {
			agent, message := w.Line(foreign), w.Line("it failed: "+foreign)
			headline := "Build " + short(agent) + " for " + agent + " failed: " + w.Line("cause "+foreign)
			if agent == "" { // so that it does not know which build
				headline = ": " + message
			}
			headline = strings.TrimRight(untrusted.Cut(w.Line(headline), maxHeadline-len(" – nothing was changed")), ".") + " – nothing was changed"
			w.page = []string{"## ✗ " + headline, "What to do: Read the build's error, and correct the Dockerfile or what it copies.",
				"```\n" + strings.TrimRight(untrusted.CutMiddle(w.Block("first\n"+foreign+"\nlast"), maxDetail), "\n") + "\n"}

			w.command("add-mask", key)
			w.command("group", "Find the latest build")
			w.command("endgroup", "")
			w.command("group", "Pack the build context")
			w.annotation(gha.Warning, "Skipped special files", fmt.Sprintf("Skipped because it is neither a file nor a link (1 in all): %q", foreign))
			w.annotation(gha.Warning, "Not in the build context", fmt.Sprintf("COPY %s: %q is a symbolic link to %q, which is outside of the build context. "+
				"The build fails without it. Put the file into the build context, or set build-context to a folder that has both.", foreign, foreign, foreign), "file", untrusted.Cut(w.Line("app/"+foreign), 1000), "line", "3")
			w.command("endgroup", "")
			w.command("group", "Upload the build context")
			w.command("endgroup", "")
			w.command("group", w.Line("Wait for build "+short(agent)))
			w.command("endgroup", "")
			more := w.Line(headline)
			if !strings.Contains(headline, strings.TrimRight(message, ".")) {
				more += "\n" + w.Line(untrusted.Cut(message, maxMessage))
			}
			more += "\nWhat to do: Read the build's error, and correct the Dockerfile or what it copies."
			printed := strings.Split(strings.TrimRight(w.Block("first\n"+foreign+"\nlast"), "\n"), "\n")
			for _, line := range printed[max(0, len(printed)-10):] {
				more += "\n" + untrusted.Cut(w.Line("│ "+line), maxLine)
			}
			w.command("error", untrusted.Cut(more, maxAnnotation), "title", untrusted.Cut(w.Line(agent+": build"), 200))

			w.page = append(w.page, "<details><summary>Details</summary>\n")
			w.agent(foreign)
			w.row("Status", "failed")
			w.row("Reason", "build")
			w.row("Image", agent)
			w.row("Build", agent)
			w.row("Build context", "2 bytes in 3 files, packed to 1 byte, with hash h; reused")
			w.row("Duration", "1m")
			w.page = append(w.page, "</details>\n", "<details><summary>Timeline</summary>\n", "| ", "| Phase", "| Duration", "| Build", "| "+untrusted.Cut(w.Line("at "+foreign), 200), "| 1m", "</details>\n")
			maps.Copy(w.outputs, map[string]string{"status": "failed", "duration": "60", "failure-reason": "build", "failure-message": message})
		}},
	{"nothing new",
		func(p *player, foreign string) {
			p.emit(asked(foreign)).in(event.Update).emit(
				event.Planned{Region: foreign, Previous: foreign},
				event.Accepted{ID: foreign, Previous: foreign, Region: foreign, Warning: foreign})
			p.emit(green(verdict.Unchanged))
		},
		func(w *want, foreign string) {
			agent := w.Line(foreign)
			headline := "Nothing was deployed:  keeps the new version"
			if agent != "" {
				headline = "Nothing was deployed: " + agent + " (" + agent + ") keeps deployment " + short(agent)
			}
			w.page = []string{"## ✓ " + untrusted.Cut(w.Line(headline), maxHeadline)}
			w.command("add-mask", key)
			w.command("group", untrusted.Cut(w.Line("Update "+agent), maxLine))
			w.annotation(gha.Warning, "No new deployment",
				"Nothing was deployed: "+nothingNew+with(" Pipecat Cloud says: ", foreign))
			w.command("endgroup", "")
			w.page = append(w.page, "<details><summary>Details</summary>\n")
			w.agent(foreign)
			w.row("Status", "unchanged")
			w.row("Deployment", foreign)
			w.row("Image", agent)
			w.row("Build", agent)
			w.row("Duration", "0.0s")
			w.page = append(w.page, "</details>\n")
			maps.Copy(w.outputs, map[string]string{"status": "unchanged", "deployment-id": foreign, "previous-deployment-id": foreign})
		}},
}

// left is what a job leaves behind.
type left struct{ log, outputs, page string }

// leave plays a job, whose files are in dir, by themselves.
func (j story) leave(t *testing.T, dir string, onRunner bool, foreign string) left {
	t.Helper()
	env := map[string]string{"GITHUB_RUN_ID": "42", "GITHUB_REPOSITORY": "acme/it's", "GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary")}
	if onRunner {
		env["GITHUB_ACTIONS"] = "true"
	}
	var log bytes.Buffer
	r := New(&log, nil, env)
	r.Mask(key)
	j.play(play(r.Handle, foreign), foreign)
	r.Finish(t.Context())
	read := func(name string) string {
		data, err := os.ReadFile(env[name])
		if err = errors.Join(err, os.Remove(env[name])); err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	return left{log.String(), read("GITHUB_OUTPUT"), read("GITHUB_STEP_SUMMARY")}
}

// wants says what a job is to leave behind.
func (j story) wants(foreign string) *want {
	w := &want{Cleaner: untrusted.Cleaner{Secrets: []string{key}}, outputs: map[string]string{}}
	for _, row := range OutputTable() {
		w.outputs[row.Name] = ""
	}
	w.outputs["duration"], w.outputs["changed"] = "0", "false"
	for _, name := range []string{"agent-name", "service-name", "region", "image", "build-id"} {
		w.outputs[name] = foreign
	}
	j.want(w, foreign)
	for name, value := range w.outputs {
		w.outputs[name] = untrusted.Cut(w.Line(value), maxOutput)
	}
	return w
}
