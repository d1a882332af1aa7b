package summary

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// panics is what f panics with; nil when it does not.
func panics(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

// TestKinds holds that records and the log handle every kind of event, in every
// step, and that they would not pass over one that they do not know.
func TestKinds(t *testing.T) {
	for _, kind := range event.Kinds() {
		for _, s := range event.Steps() {
			e := event.Entry{Agent: "bot", Step: s, At: start, Event: kind}
			var r Record
			if p := panics(func() { r.fold(e) }); p != nil {
				t.Errorf("a record of %T in step %s: %v", kind, s, p)
			}
			if p := panics(func() { lines(&r, e) }); p != nil {
				t.Errorf("the log of %T in step %s: %v", kind, s, p)
			}
		}
	}
	for _, unknown := range []event.Event{strange{}, nil} {
		e := event.Entry{Event: unknown}
		if panics(func() { new(Record).fold(e) }) == nil || panics(func() { lines(new(Record), e) }) == nil {
			t.Errorf("%T is passed over", unknown)
		}
	}
}

// shownIn is what a log without a runner shows of events of a step.
func shownIn(s event.Step, events ...event.Event) string {
	var log bytes.Buffer
	r := New(&log, nil, nil)
	play(r.Handle, "bot").in(s).emit(events...)
	return log.String()
}

// TestWayBack holds when it is said before the update that there is no way back,
// and what a rollback would leave.
func TestWayBack(t *testing.T) {
	moved := settings.Change{Name: "image", Before: "a/b:v1", After: "a/b:v2", Asked: true, Moves: true}
	kept := settings.Change{Name: "image", Before: "a/b:v2", After: "a/b:v2", Asked: true}
	unasked := settings.Change{Name: "image", Before: "a/b:v2", After: "a/b:v2"}
	const never, leaves, tag = "If this deployment fails, it can't be rolled back: why.\n", "A rollback would leave the new secret-set and node-type, because the API does not report the previous value.\n",
		"A rollback would leave the image: its tag is the same, and what the tag pointed to before is unknown.\n"
	for _, tt := range []struct {
		name string
		plan event.Planned
		want string
	}{
		{"a build", event.Planned{Irreversible: "why", Rollback: true, NotReported: []string{"secret-set"}}, never},
		{"a build, and no rollback asked for", event.Planned{Irreversible: "why"}, ""},
		{"an image", event.Planned{Rollback: true, Changes: []settings.Change{moved}}, ""},
		{"a new agent", event.Planned{Create: true, Irreversible: "why", Rollback: true}, ""},
		{"what is not reported", event.Planned{Rollback: true, NotReported: []string{"secret-set", "node-type"}}, leaves},
		{"a tag that stays", event.Planned{Rollback: true, Changes: []settings.Change{kept}}, tag},
		{"a tag that nobody asks for", event.Planned{Rollback: true, Changes: []settings.Change{unasked}}, ""},
		{"a build over an image", event.Planned{Rollback: true, FromBuild: true, BuildID: "id", Changes: []settings.Change{unasked}}, ""},
	} {
		got := shownIn(event.Update, tt.plan)
		for _, line := range []string{never, leaves, tag} {
			if strings.Contains(got, line) != (line == tt.want) {
				t.Errorf("%s:\n%s", tt.name, got)
			}
		}
	}
}

// TestRequest holds that a log names the rollback and the update apart.
func TestRequest(t *testing.T) {
	wait := event.Retrying{Try: event.TryUpdate, Err: errors.New("wait"), In: 2 * time.Second}
	var log bytes.Buffer
	r := New(&log, nil, nil)
	play(r.Handle, "bot").in(event.Update).emit(event.Planned{}, wait, event.Retrying{Try: event.TryLookup},
		event.Retrying{Try: event.TryLookup, Err: errors.New("away"), In: time.Second}, event.Retrying{Try: event.TryRead, Err: errors.New("away"), In: time.Second}).
		in(event.Revert).emit(event.Planned{RevertsID: "new", RevertedFailure: "it crashes"}, wait, event.ResponseLost{Err: errors.New("lost")})
	for _, want := range []string{
		"  The update was not accepted yet; retrying in 2.0s: wait\n",
		"  No new deployment yet; checking again.\n",
		"  Reading the agent failed; retrying in 1.0s: away\n",
		"  A request failed; retrying in 1.0s: away\n",
		"Roll back bot\n  Deployment new failed: it crashes\n  The rollback was not accepted yet; retrying in 2.0s: wait\n",
		"Warning: No clear response to the rollback; it may have been accepted. ",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("lacks %q:\n%s", want, log.String())
		}
	}
}

// TestAccepted holds what is said of an update that the platform accepted.
func TestAccepted(t *testing.T) {
	unchanged, rollback := event.Accepted{ID: "old", Previous: "old"}, event.Accepted{ID: "back", Previous: "new"}
	for _, tt := range []struct {
		name     string
		step     event.Step
		plan     event.Planned
		accepted event.Accepted
		want     string
	}{
		{"new", event.Update, event.Planned{}, event.Accepted{ID: "new", Previous: "old"}, "  Deployment new accepted (replaces old).\n"},
		{"created", event.Update, event.Planned{Create: true}, event.Accepted{ID: "new"}, "  Deployment new accepted.\n"},
		{"with a warning", event.Update, event.Planned{}, event.Accepted{ID: "new", Warning: "careful"}, "  Deployment new accepted.\nWarning: careful\n"},
		{"unchanged", event.Update, event.Planned{}, unchanged, "Warning: Nothing was deployed: nothing changed. "},
		{"scaled", event.Update, event.Planned{ScalingOnly: true}, unchanged, "Notice: Scaling takes effect without a new deployment.\n"},
		{"a rollback", event.Revert, event.Planned{RevertsID: "new"}, rollback, "  Deployment back accepted.\n"},
		{"a rollback in vain", event.Revert, event.Planned{RevertsID: "new"}, event.Accepted{ID: "new", Previous: "new"}, "  Pipecat Cloud made no new deployment for it.\n"},
	} {
		if got := shownIn(tt.step, tt.plan, tt.accepted); !strings.Contains(got, tt.want) {
			t.Errorf("%s: lacks %q:\n%s", tt.name, tt.want, got)
		}
	}
}

// TestRestarts holds that another revision's restarts are not shown as the
// target's.
func TestRestarts(t *testing.T) {
	for id, want := range map[string]bool{"new": true, "old": false} {
		doc := &pipecat.Agent{CurrentRevision: &pipecat.Revision{DeploymentID: id, Health: &pipecat.Health{RestartCount: new(3)}}}
		var r Record
		play(r.Add, "bot").in(event.Update).emit(event.Planned{Previous: "old"}, event.Accepted{ID: "new", Previous: "old"}).
			in(event.Rollout).emit(event.Observed{Observation: revision.Observe(doc, revision.Target{ID: "new", Previous: "old"})}, red(verdict.Failure{}))
		if got := strings.Contains(Page(gha.Run{}, []*Record{&r}), ", 3 restarts |"); got != want {
			t.Errorf("of %s: got %t", id, got)
		}
	}
}

// TestChanges holds how a change is shown, in the log and on the page.
func TestChanges(t *testing.T) {
	image := settings.Change{Name: "image", Before: "a/b:v1", After: "a/b:v1"}
	profile := settings.Change{Name: "agent-profile", Before: "agent-1x", After: "agent-2x", Asked: true, Moves: true}
	same := settings.Change{Name: "secret-set", Before: "keys", After: "keys", Asked: true}
	unknown := settings.Change{Name: "websocket-auth", After: "token", Asked: true, Moves: true}
	build := settings.Change{Name: "build-id", After: "id", Asked: true, Moves: true}
	unbuilt := settings.Change{Name: "build-id", Asked: true, Moves: true}
	sources := map[string]string{"agent-profile": "pcc-deploy.toml", "build-id": "build.toml"}
	for _, tt := range []struct {
		name string
		plan event.Planned
		log  string // its lines, but for the one that the agent was found
		page string // its lines
	}{
		{"settings", event.Planned{Changes: []settings.Change{image, same, profile, unknown}},
			"secret-set: keys (unchanged)|agent-profile: agent-1x → agent-2x (pcc-deploy.toml)|websocket-auth: token",
			"2 to change:|- `agent-profile`: `agent-1x` → `agent-2x` (pcc-deploy.toml)|- `websocket-auth`: not reported → `token`|2 unchanged: `image: a/b:v1`, `secret-set: keys`"},
		{"a new agent", event.Planned{Create: true, Changes: []settings.Change{unknown}}, "websocket-auth: token", "1 to change:|- `websocket-auth`: `token`"},
		{"a build", event.Planned{FromBuild: true, BuildID: "id", BuildStatus: "success", Changes: []settings.Change{image, build}},
			"image: a/b:v1 → (built in the cloud) (build.toml)|build-id: id (build.toml)",
			"2 to change:|- `image`: `a/b:v1` → `(built in the cloud)` (build.toml)|- `build-id`: `id` (build.toml)"},
		{"an image in place of a build", event.Planned{PreviousHidden: true, Changes: []settings.Change{{Name: "image", Before: "[redacted]", After: "a/b:v2", Asked: true, Moves: true}}},
			"image: (built in the cloud) → a/b:v2", "1 to change:|- `image`: `(built in the cloud)` → `a/b:v2`"},
		{"an image in place of one without a tag", event.Planned{Changes: []settings.Change{{Name: "image", Before: "a/b", After: "a/b:v2", Asked: true, Moves: true}}},
			"image: a/b → a/b:v2", "1 to change:|- `image`: `a/b` → `a/b:v2`"},
		{"a build of a dry run", event.Planned{FromBuild: true, Changes: []settings.Change{image, unbuilt, profile}},
			"image: a/b:v1 → (built in the cloud) (build.toml)|build-id: (a new build) (build.toml)|agent-profile: agent-1x → agent-2x (pcc-deploy.toml)",
			"3 to change:|- `image`: `a/b:v1` → `(built in the cloud)` (build.toml)|- `build-id`: `(a new build)` (build.toml)|- `agent-profile`: `agent-1x` → `agent-2x` (pcc-deploy.toml)"},
		{"a build of a dry run alone", event.Planned{FromBuild: true, Create: true, Changes: []settings.Change{unbuilt}}, "build-id: (a new build) (build.toml)", "1 to change:|- `build-id`: `(a new build)` (build.toml)"},
		{"a build of a dry run over an image", event.Planned{FromBuild: true, Changes: []settings.Change{image, unbuilt}},
			"image: a/b:v1 → (built in the cloud) (build.toml)|build-id: (a new build) (build.toml)",
			"2 to change:|- `image`: `a/b:v1` → `(built in the cloud)` (build.toml)|- `build-id`: `(a new build)` (build.toml)"},
	} {
		tt.plan.NeedsDeployment, tt.plan.Image = true, "x"
		var r Record
		var log []string
		play(func(e event.Entry) {
			for _, it := range r.add(e) {
				if s, ok := it.(step); ok && !strings.Contains(string(s), "Found agent") {
					log = append(log, strings.TrimSpace(string(s)))
				}
			}
		}, "bot").emit(event.Configured{Sources: sources}).in(event.Update).emit(tt.plan)
		if got := strings.Join(log, "|"); got != tt.log {
			t.Errorf("%s: the log has\n%s\nand not\n%s", tt.name, got, tt.log)
		}
		if page := strings.NewReplacer("\n\n", "|", "\n", "|").Replace(strings.TrimRight(r.changeList(), "\n")); page != tt.page {
			t.Errorf("%s: the page has\n%s\nand not\n%s", tt.name, page, tt.page)
		}
	}
}

// TestRevertedChanges holds how a rollback's changes are shown: an image that takes
// the place of a build is known, and of the build is said what it was.
func TestRevertedChanges(t *testing.T) {
	back := event.Planned{RevertsID: "new", Changes: []settings.Change{
		{Name: "image", After: "a/b:v1", Asked: true, Moves: true}, {Name: "agent-profile", Before: "agent-2x", After: "agent-1x", Asked: true, Moves: true}}}
	for fromBuild, want := range map[bool]string{true: "image: (built in the cloud) → a/b:v1", false: "image: a/b:v1"} {
		var log bytes.Buffer
		r := New(&log, nil, nil)
		play(r.Handle, "bot").emit(event.Configured{Sources: map[string]string{"agent-profile": "file"}}).in(event.Update).
			emit(event.Planned{FromBuild: fromBuild, BuildID: "id", BuildStatus: "success"}).in(event.Revert).emit(back)
		if want := fmt.Sprintf("  %s\n  agent-profile: agent-2x → agent-1x\n", want); !strings.HasSuffix(log.String(), want) {
			t.Errorf("got\n%s\nwant\n%s", log.String(), want)
		}
	}
}
