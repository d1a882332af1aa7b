package summary

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

// onRunner is a step on a runner that has no files.
var onRunner = gha.Env{"GITHUB_ACTIONS": "true"}

// roll plays a job whose every line, block and annotation has a mark.
func roll(p *player, mark string, pause func()) {
	each := func(s event.Step, events ...event.Event) {
		for _, e := range events {
			p.after(time.Second).in(s).emit(e)
			pause()
		}
	}
	each(event.Inputs, event.Configured{Warnings: []event.Problem{{Input: "image", Text: mark}}})
	each(event.Update, event.Retrying{Try: event.TryRead, Err: errors.New(mark)})
	each(event.Build, event.Progress{Activity: event.Uploading}, event.Retrying{Try: event.TryUpload, Err: errors.New(mark)},
		event.BuildStatus{ID: mark, Status: "building " + mark},
		event.Output{Source: event.BuildLog, Lines: []string{"::error::" + mark, mark, "::endgroup::"}})
	each(event.Update, event.Planned{Region: mark}, event.ResponseLost{Err: errors.New(mark)}, event.Accepted{ID: mark, Previous: "old"})
	for i := range 20 {
		look := revision.Observation{State: revision.State{Stage: revision.InPhase("Creating"), Reason: mark, Restarts: i}}
		each(event.Rollout, event.Observed{Observation: look, Changed: i%3 != 1}, event.Heartbeat{Still: mark})
	}
	each(event.Rollout, event.Output{Source: event.AgentLog, Lines: []string{mark, "::stop-commands::x", "##[error]" + mark}})
	each(event.Rollout, red(verdict.Failure{Reason: verdict.Crash, Message: mark, Evidence: []verdict.Evidence{{From: verdict.FromContainer, Text: mark + "\n::error::" + mark}}}))
}

// readLog reads a runner's log back, and returns for each of the marks how many
// lines have it. No line may be in a group or a block of another mark, and where
// there are several, each line of a group must be in one.
func readLog(t *testing.T, log string, marks ...string) map[string]int {
	t.Helper()
	lines := map[string]int{}
	group := ""
	for text := range strings.Lines(log) {
		text = strings.TrimSuffix(text, "\n")
		command := strings.HasPrefix(text, "::")
		switch {
		case command && strings.HasPrefix(text, "::group::"):
			if group != "" {
				t.Errorf("group %q begins in group %q", text, group)
			}
			group = strings.TrimPrefix(text, "::group::")
			continue
		case command && text == "::endgroup::":
			if group == "" {
				t.Error("a group ends that has not begun")
			}
			group = ""
			continue
		}
		for _, mark := range marks {
			if !strings.Contains(text, mark) {
				continue
			}
			lines[mark]++
			for _, other := range marks {
				if other != mark && (strings.Contains(group, other) || strings.Contains(text, other)) {
					t.Errorf("in group %q: %q", group, text)
				}
			}
			if strings.HasPrefix(text, "  ") && !strings.HasPrefix(text, "  │ ") && group == "" && len(marks) > 1 {
				t.Errorf("in no group: %q", text)
			}
		}
	}
	if group != "" {
		t.Errorf("the log ends in group %q", group)
	}
	return lines
}

// TestTwoAgents holds that the lines of two agents at once keep apart, and that the
// runner obeys each annotation of both.
func TestTwoAgents(t *testing.T) {
	var log bytes.Buffer
	r := New(&log, nil, onRunner)
	agents := []string{"agent-one", "agent-two"}
	var begun, jobs sync.WaitGroup
	begun.Add(len(agents))
	for _, agent := range agents {
		jobs.Go(func() {
			var once sync.Once
			roll(play(r.Handle, agent), agent, func() {
				once.Do(begun.Done)
				begun.Wait() // so that both are known from the second event on
				runtime.Gosched()
			})
		})
	}
	jobs.Wait()
	r.Finish(t.Context())
	var alone bytes.Buffer
	one := New(&alone, nil, onRunner)
	roll(play(one.Handle, agents[0]), agents[0], func() {})
	want := readLog(t, alone.String(), agents[0])[agents[0]]
	for agent, n := range readLog(t, log.String(), agents...) {
		if n != want {
			t.Errorf("%d lines of %s, want %d as of an agent alone", n, agent, want)
		}
	}
	annotations := map[string]int{}
	for _, c := range ghatest.Commands(log.String()) {
		annotations[c.Name]++
	}
	if annotations["warning"] != 4 || annotations["error"] != 2 {
		t.Errorf("the runner obeys %v, want 4 warnings and 2 errors", annotations)
	}
	if t.Failed() {
		t.Logf("%s", log.String())
	}
}

// TestGroupNames holds that the title of a group names its agent where there are two,
// though the name may be a part of another word of the title, and names it once.
func TestGroupNames(t *testing.T) {
	var log bytes.Buffer
	r := New(&log, nil, onRunner)
	for _, agent := range []string{"bot", "ai"} {
		play(r.Handle, agent).emit(event.Configured{})
	}
	for _, agent := range []string{"ai", "bot"} {
		play(r.Handle, agent).in(event.Update).emit(event.Planned{Previous: "old"}, event.Accepted{ID: "x", Previous: "old"}).
			in(event.Rollout).emit(event.Heartbeat{Still: "at it"}, event.Observed{}).in(event.Bake).emit(event.Observed{})
	}
	var got []string
	for text := range strings.Lines(log.String()) {
		if title, is := strings.CutPrefix(strings.TrimSpace(text), "::group::"); is {
			got = append(got, title)
		}
	}
	want := "Update ai|ai: Wait for deployment x|Watch ai|Update bot|bot: Wait for deployment x|Watch bot"
	if got := strings.Join(got, "|"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestInterrupted holds how the log shows two agents by turns: a group that another
// one interrupts begins again.
func TestInterrupted(t *testing.T) {
	var log bytes.Buffer
	r := New(&log, nil, onRunner)
	a, b := play(r.Handle, "a1").in(event.Rollout), play(r.Handle, "b1").in(event.Rollout)
	look := func(reason string, changed bool) event.Event {
		return event.Observed{Changed: changed, Observation: revision.Observation{State: revision.State{Stage: revision.InPhase("Creating"), Reason: reason}}}
	}
	a.emit(event.Accepted{ID: "x"})
	a.emit(look("one", true))
	b.emit(event.Retrying{Err: errors.New("two")})
	a.emit(look("", false)) // it shows nothing, and so interrupts nobody
	b.emit(event.Retrying{Err: errors.New("three")})
	a.emit(look("four", true), look("five", true))
	b.emit(event.PlatformIssue{})
	a.emit(green(verdict.Ready))
	b.emit(green(verdict.Ready))
	want := `  Deployment x accepted.
::group::Wait for deployment x
       0.0s  Creating · one
::endgroup::
::group::b1
  A request failed; retrying in 0.0s: two
  A request failed; retrying in 0.0s: three
::endgroup::
::group::a1: Wait for deployment x
       0.0s  Creating · four
       0.0s  Creating · five
::endgroup::
::group::b1
::warning title=Infrastructure problem::Pipecat Cloud reports an infrastructure problem. If it persists, contact support.
::endgroup::
✓ Deployment x is live on a1 after 0.0s
✓ The new version is live on b1 after 0.0s
`
	if log.String() != want {
		t.Errorf("got\n%s\nwant\n%s", log.String(), want)
	}
}

// TestSharedLimit holds that the runner's limit of annotations is one of all agents
// together.
func TestSharedLimit(t *testing.T) {
	var log bytes.Buffer
	r := New(&log, nil, onRunner)
	var jobs sync.WaitGroup
	for i := range 8 {
		jobs.Go(func() {
			p := play(r.Handle, fmt.Sprintf("agent-%d", i))
			for range 3 {
				p.emit(event.NotReverted{Err: errors.New("why")})
			}
			p.emit(red(verdict.Failure{Reason: verdict.Crash, Message: "m"}), red(verdict.Failure{Reason: verdict.Crash, Message: "m"}))
		})
	}
	jobs.Wait()
	issued := map[string]int{}
	for _, c := range ghatest.Commands(log.String()) {
		issued[c.Name]++
	}
	if issued["warning"] != ghatest.MaxAnnotations || issued["error"] != ghatest.MaxAnnotations {
		t.Errorf("issued %v", issued)
	}
	if w, e := strings.Count(log.String(), "\nWARNING: Not rolled back"), strings.Count(log.String(), "\nERROR: "); w != 14 || e != 6 {
		t.Errorf("%d warnings and %d errors are lines alone, want 14 and 6", w, e)
	}
}

// TestPure holds that equal events make equal pages, outputs and headlines, and
// that to render them changes nothing.
func TestPure(t *testing.T) {
	for _, j := range jobs {
		var records []*Record
		for range 2 {
			r := &Record{}
			j.play(play(r.Add, "a-b|c"), "a-b|c")
			records = append(records, r)
		}
		run := gha.Run{ID: "42", Repository: "acme/bots"}
		type rendered struct{ headline, page, json string }
		render := func(r *Record) rendered {
			return rendered{Headline(r), Page(run, []*Record{r}), JSON(r)}
		}
		first, second, again := render(records[0]), render(records[1]), render(records[0])
		if first != second || first != again {
			t.Errorf("%s: got\n%v\n%v\n%v", j.name, first, second, again)
		}
		if first.page == "" || !strings.Contains(first.page, "a-b") {
			t.Errorf("%s: the page is %s", j.name, first.page)
		}
		both := Page(run, records)
		if both != first.page+second.page {
			t.Errorf("%s: the page of two is not that of each", j.name)
		}
	}
}

// TestFirstOutputs holds that the outputs are those of the first agent, and that an
// entry without an agent is of that one.
func TestFirstOutputs(t *testing.T) {
	var log, out bytes.Buffer
	r := New(&out, &log, nil)
	r.Configure(Options{JSON: true})
	play(r.Handle, "").emit(event.Configured{Image: "x"})
	one, two := play(r.Handle, "one"), play(r.Handle, "two")
	one.emit(event.Accepted{ID: "1"})
	two.emit(event.Accepted{ID: "2"}, green(verdict.Ready))
	play(r.Handle, "").emit(red(verdict.Failure{Reason: verdict.Internal, Message: "m"}))
	r.Finish(t.Context())
	for _, want := range []string{`"status": "failed"`, `"deployment-id": "1"`, `"agent-name": "one"`, `"image": "x"`, `"failure-reason": "internal"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %s: %s", want, out.String())
		}
	}
	if page := Page(gha.Run{}, r.records()); strings.Count(page, "## ") != 2 || !strings.HasPrefix(page, "## ✗ one: m") {
		t.Errorf("the page is %s", page)
	}
}

// TestLateMask holds that a secret which is known late is hidden from then on, in
// what was recorded before, too.
func TestLateMask(t *testing.T) {
	var log, out bytes.Buffer
	r := New(&out, &log, nil)
	r.Configure(Options{JSON: true})
	p := play(r.Handle, "bot").emit(event.Configured{Image: "sk_secret"}, event.Accepted{ID: "sk_secret"})
	log.Reset()
	r.Mask("sk_secret")
	p.emit(event.NotReverted{Err: errors.New("sk_secret")}, green(verdict.Ready))
	r.Finish(t.Context())
	if all := log.String() + out.String() + Page(gha.Run{}, r.records()); ghatest.Hides(all) != nil {
		t.Errorf("%v:\n%s", ghatest.Hides(all), all)
	}
}

// TestMaskEncodings holds that the runner gets each secret as it is, once, and that
// nothing here shows it in another encoding either.
func TestMaskEncodings(t *testing.T) {
	var log bytes.Buffer
	r := New(&log, nil, onRunner)
	r.Mask("sk_key", "pass\"word\\1", "sk_key", "")
	p := play(r.Handle, "bot").emit(event.Configured{})
	p.emit(event.NotReverted{Err: errors.New(`it got {"a":"pass\"word\\1"}, cGFzcyJ3b3JkXDE= and %22: pass%22word%5C1`)}, green(verdict.Ready))
	if got := strings.Count(log.String(), "::add-mask::"); got != 2 || !strings.Contains(log.String(), `::add-mask::pass"word\1`+"\n") {
		t.Errorf("%d masks:\n%s", got, log.String())
	}
	if all := log.String() + Page(gha.Run{}, r.records()); !strings.Contains(all, `it got {"a":"***"}, ***`) || !strings.Contains(all, "%2522: ***") {
		t.Errorf("shows a secret:\n%s", all)
	}
}

// TestEntrusted holds that the keys of a session show nowhere: not on the page of a record
// alone, and not on that of another agent. What is too short to be a key stays.
func TestEntrusted(t *testing.T) {
	said := event.Output{Source: event.AgentLog, Lines: []string{"joined with room-key-123 by a-b"}}
	crash := red(verdict.Failure{Reason: verdict.ReasonNoAnswer, Message: "room-key-123 is silent"})
	var alone Record
	play(alone.Add, "bot").emit(event.Configured{}, event.Entrusted{Keys: []string{"room-key-123", "a-b"}}, said, crash)
	var log bytes.Buffer
	r := New(&log, nil, nil)
	play(r.Handle, "bot").emit(event.Configured{}, event.Entrusted{Keys: []string{"room-key-123", "a-b"}})
	play(r.Handle, "other").emit(event.Configured{}, said, crash)
	for name, page := range map[string]string{"alone": Page(gha.Run{}, []*Record{&alone}), "two agents": Page(gha.Run{}, r.records()) + log.String()} {
		if strings.Contains(page, "room-key-123") || !strings.Contains(page, "\\*\\*\\*") && !strings.Contains(page, "***") || !strings.Contains(page, "a-b") {
			t.Errorf("%s:\n%s", name, page)
		}
	}
}
