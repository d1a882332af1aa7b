package summary

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

// update is the plan to deploy a/b:v2 over a deployment of an image.
func update(image string) event.Planned {
	return event.Planned{PreviousID: "old", PreviousImage: image, Image: "a/b:v2", NeedsDeployment: true}
}

// seen is a read that shows a state.
func seen(s revision.State) event.Observed {
	return event.Observed{Observation: revision.Observation{State: s}}
}

// TestHeadline holds what a red job says of who serves callers.
func TestHeadline(t *testing.T) {
	failed := verdict.Failure{Reason: verdict.Refused, Message: "no"}
	internal := verdict.Failure{Reason: verdict.Internal, Message: "no"}
	notReady := verdict.Failure{Status: verdict.TimedOut, Reason: verdict.NotReady, Message: "it is not ready"}
	previous := revision.State{Stage: "Failed", Serving: revision.ServingPrevious, ServingID: "old"}
	for _, tt := range []struct {
		name  string
		plan  event.Planned
		lost  bool
		taken bool
		look  revision.State
		why   string // the diagnosis
		f     verdict.Failure
		want  string
	}{
		{"refused", update("a/b:v1"), false, false, revision.State{}, "", failed, "✗ bot: no – nothing was changed"},
		{"refused, after an answer that was lost", update("a/b:v1"), true, false, revision.State{}, "", failed, "✗ bot: no"},
		{"a new agent", event.Planned{Create: true, Image: "a/b:v2"}, false, false, revision.State{}, "", failed, "✗ bot: no"},
		{"the one before", update("a/b:v1"), false, true, previous, "", failed, "✗ bot: no – v1 still serves callers"},
		{"one before that", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingPrevious, ServingID: "older"}, "", failed, "✗ bot: no – deployment older still serves callers"},
		{"one that is not told", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingPrevious}, "", failed, "✗ bot: no – an earlier deployment still serves callers"},
		{"the same tag", update("a/b:v2"), false, true, previous, "", failed, "✗ bot: no – deployment old still serves callers"},
		{"settings alone", event.Planned{PreviousID: "old", PreviousImage: "a/b:v1"}, false, true, previous, "", failed, "✗ bot: no – deployment old still serves callers"},
		{"a digest", update("localhost:5000/a/b@sha256:" + strings.Repeat("a", 64)), false, true, previous, "", failed, "✗ bot: no – deployment old still serves callers"},
		{"a tag and a digest", update("localhost:5000/a/b:v1@sha256:" + strings.Repeat("a", 64)), false, true, previous, "", failed, "✗ bot: no – v1 still serves callers"},
		{"what is no tag", update("a/b:" + strings.Repeat("v", 129)), false, true, previous, "", failed, "✗ bot: no – deployment old still serves callers"},
		{"ours", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingOurs, ServingID: "new"}, "", failed, "✗ bot: no – the new revision takes calls at the moment"},
		{"none", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingNothing}, "", failed, "✗ bot: no – nothing serves callers"},
		{"who knows", update("a/b:v1"), false, true, revision.State{}, "", failed, "✗ bot: no – who serves callers is not known"},
		{"a stopped job", update("a/b:v1"), false, true, revision.State{}, "", verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled, Message: "stopped"}, "✗ bot: stopped"},
		{"a key that is taken back", update("a/b:v1"), false, true, previous, "", verdict.Failure{Status: verdict.Failed, Reason: verdict.Auth, Message: "no"}, "✗ bot: no – who serves callers is not known"},
		{"not ready, and the log tells why", update("a/b:v1"), false, true, previous, "KeyError", notReady, "✗ bot did not become ready: KeyError: 'X' – v1 still serves callers"},
		{"not ready", update("a/b:v1"), false, true, previous, "", notReady, "✗ bot: it is not ready – v1 still serves callers"},
		{"a fault of this program's own, before the update", update("a/b:v1"), false, false, revision.State{}, "", internal, "✗ bot: no"},
		{"a fault of this program's own, after it", update("a/b:v1"), false, true, previous, "", internal, "✗ bot: no – who serves callers is not known"},
		{"a fault of this program's own, in a build", event.Planned{PreviousID: "old", FromBuild: true}, false, false, revision.State{}, "", internal, "✗ bot: no"},
	} {
		var r Record
		p := play(r.Add, "bot").emit(event.Configured{Image: "a/b:v2"}).in(event.Update).emit(tt.plan)
		if tt.lost {
			p.emit(event.ResponseLost{Err: errors.New("lost")})
		}
		if tt.taken {
			p.emit(event.Accepted{ID: "new", Previous: "old"}).in(event.Rollout).emit(seen(tt.look))
		}
		if tt.why != "" {
			p.emit(event.Diagnosed{Diagnosis: diagnosis.Diagnosis{Type: tt.why, Cause: tt.why + ": 'X'"}})
		}
		p.emit(red(tt.f))
		if got := Headline(&r); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestGreenHeadline holds what a green job says.
func TestGreenHeadline(t *testing.T) {
	serving := revision.State{Stage: "Active", Serving: revision.ServingOurs, ServingID: "new"}
	for _, tt := range []struct {
		status verdict.Status
		plan   event.Planned
		look   revision.State
		want   string
	}{
		{verdict.Ready, update("a/b:v1"), serving, "✓ bot is ready after 6.6s: deployment new serves callers"},
		{verdict.Deployed, update("a/b:v1"), revision.State{}, "✓ bot is deployed: deployment new was taken, and is not waited for"},
		{verdict.Unchanged, update("a/b:v1"), serving, "✓ bot is unchanged: deployment new serves callers as before"},
		{verdict.Unchanged, update("a/b:v1"), revision.State{}, "✓ bot has no new deployment: new stays"},
		{verdict.Planned, event.Planned{Create: true}, revision.State{}, "✓ Dry run: bot would be created; nothing was sent"},
		{verdict.Planned, update("a/b:v1"), revision.State{}, "✓ Dry run: bot would get a new deployment; nothing was sent"},
		{verdict.Planned, event.Planned{ScalingOnly: true}, revision.State{}, "✓ Dry run: bot would be scaled, without a new deployment; nothing was sent"},
		{verdict.Planned, event.Planned{}, revision.State{}, "✓ Dry run: bot would stay as it is; nothing was sent"},
	} {
		var r Record
		play(r.Add, "bot").emit(event.Configured{}).in(event.Update).emit(tt.plan, event.Accepted{ID: "new", Previous: "old"}).
			in(event.Rollout).emit(seen(tt.look)).after(6600 * time.Millisecond).emit(green(tt.status))
		if got := Headline(&r); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestRolledBackTo holds that the tag is only said of what has it.
func TestRolledBackTo(t *testing.T) {
	for now, want := range map[string]string{"back": "v1 still serves callers", "new": "the new revision takes calls at the moment", "old": "v1 still serves callers", "else": "deployment else still serves callers"} {
		var r Record
		play(r.Add, "bot").emit(event.Configured{Image: "a/b:v2"}).in(event.Update).
			emit(update("a/b:v1"), event.Accepted{ID: "new", Previous: "old"}).in(event.Revert).
			emit(event.Planned{Reverts: "new"}, event.Accepted{ID: "back", Previous: "new"}, seen(revision.State{Serving: revision.ServingPrevious, ServingID: now}),
				red(verdict.Failure{Reason: verdict.Refused, Message: "no", Rollback: &verdict.Rollback{Message: "the rollback failed too: why", Failure: &verdict.Failure{}}}))
		if got := Headline(&r); got != "✗ bot: no – the rollback failed too; "+want {
			t.Errorf("%s: got %q", now, got)
		}
	}
}

// TestRollbacks holds what is said of how a rollback ended.
func TestRollbacks(t *testing.T) {
	crash := func(status verdict.Status, back *verdict.Rollback) event.Finished {
		return red(verdict.Failure{Status: status, Reason: verdict.Crash, Message: "it crashes", Rollback: back})
	}
	for _, tt := range []struct {
		name     string
		finished event.Finished
		want     string // the headline
		fared    string
		message  string // the output
	}{
		{"restored", crash(verdict.RolledBack, &verdict.Rollback{Message: "what ran before is back"}),
			"✗ bot crashed on start – rolled back to v1", "What ran before is back.", "it crashes – what ran before is back"},
		{"superseded", crash("", &verdict.Rollback{Message: "it is not rolled back", Failure: &verdict.Failure{Status: verdict.Superseded}}),
			"✗ bot crashed on start – not rolled back, for someone else deployed meanwhile", "It is not rolled back.", "it crashes – it is not rolled back"},
		{"failed, by an API that cannot be read", crash("", &verdict.Rollback{Message: "why", Failure: &verdict.Failure{Reason: verdict.API}}),
			"✗ bot crashed on start – the rollback failed too; who serves callers is not known", "Why.", "it crashes – why"},
		{"without words", crash("", &verdict.Rollback{Failure: &verdict.Failure{}}),
			"✗ bot crashed on start – the rollback failed too; v1 still serves callers", "", "it crashes – "},
		{"stopped", red(verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled, Message: "stopped"}),
			"✗ bot: stopped – v1 still serves callers", "", "stopped"},
	} {
		var r Record
		play(r.Add, "bot").emit(event.Configured{Image: "a/b:v2"}).in(event.Update).
			emit(update("a/b:v1"), event.Accepted{ID: "new", Previous: "old"}).in(event.Revert).
			emit(event.Planned{Reverts: "new"}, event.Accepted{ID: "back", Previous: "new"}, seen(revision.State{Serving: revision.ServingOurs, ServingID: "back"}), tt.finished)
		if tt.fared != "" {
			tt.fared += "|"
		}
		if got := strings.Join(r.fared(), "|"); got != tt.fared+"Callers were not affected: an earlier deployment served them all along." {
			t.Errorf("%s: callers: %q", tt.name, got)
		}
		if got := Headline(&r); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		for _, o := range Outputs(&r) {
			if o.Name == "failure-message" && o.Value != strings.TrimSpace(tt.message) {
				t.Errorf("%s: got %q, want %q", tt.name, o.Value, tt.message)
			}
		}
	}
}

// TestCallers holds what is said of how callers fared, read by read, ten seconds
// apart each.
func TestCallers(t *testing.T) {
	previous := revision.State{Serving: revision.ServingPrevious, ServingID: "old"}
	failed := revision.State{Serving: revision.ServingOurs, ServingID: "new"}
	back := revision.State{Serving: revision.ServingOurs, ServingID: "back"}
	nothing := revision.State{Serving: revision.ServingNothing}
	unknown := revision.State{}
	for _, tt := range []struct {
		name  string
		looks []revision.State
		want  string
	}{
		{"the one before", []revision.State{previous, previous, back}, "Callers were not affected: an earlier deployment served them all along."},
		{"the new one, for a while", []revision.State{previous, failed, failed, previous, back}, "Callers reached the new revision for about 20s."},
		{"nothing, for a while", []revision.State{previous, nothing, previous, previous, back}, "Callers reached nothing for about 10s."},
		{"nothing, to the end", []revision.State{previous, nothing}, "Callers reached nothing for about 10s by now."},
		{"both", []revision.State{failed, nothing, nothing, back, back}, "Callers reached nothing for about 20s, and the new revision for about 10s."},
		{"who knows", []revision.State{unknown, unknown, back}, "Whether callers were affected is not known: what they reached for about 20s is not known."},
		{"no look at all", nil, "Whether callers were affected is not known: what they reached for about 0.0s is not known."},
		{"who knows, for a while", []revision.State{failed, unknown, back}, "Callers reached the new revision for about 10s; what they reached for about 10s is not known."},
	} {
		var c callers
		at := start
		for _, look := range tt.looks {
			c.add(look, "new", at)
			at = at.Add(10 * time.Second)
		}
		was := c
		if got := c.affected(at); got != tt.want || c != was {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestGap holds that what callers reached is not known for a time without reads.
func TestGap(t *testing.T) {
	var c callers
	c.add(revision.State{Serving: revision.ServingPrevious, ServingID: "old"}, "new", start)
	if got := c.affected(start.Add(maxGap)); got != "Callers were not affected: an earlier deployment served them all along." {
		t.Errorf("got %q", got)
	}
	if got := c.affected(start.Add(maxGap + time.Second)); got != "Whether callers were affected is not known: what they reached for about 31s is not known." {
		t.Errorf("got %q", got)
	}
}

// TestTimeline holds how the stages of a rollout and its rollback are drawn.
func TestTimeline(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status verdict.Status
		back   *verdict.Rollback
		each   time.Duration
		stages []string // part/name
		want   string   // the chart's lines, without their times
	}{
		{"all is well", verdict.Ready, nil, time.Second, []string{"Rollout/Creating", "Rollout/Active"}, "%M:%S|Rollout|1.0s Creating done|1.0s Active done"},
		{"rolled back", verdict.RolledBack, &verdict.Rollback{}, time.Second, []string{"Rollout/Creating", "Rollout/Failed", "Rollback/Creating", "Rollback/Active"},
			"%M:%S|Rollout|1.0s Creating done|1.0s Failed crit|Rollback|1.0s Creating done|1.0s Active done"},
		{"cancelled", verdict.Cancelled, nil, time.Second, []string{"Rollout/Creating"}, "%M:%S|Rollout|1.0s Creating done"},
		{"a crash after a build", verdict.Failed, nil, time.Second, []string{"Build/building", "/", "Rollout/Creating", "/"}, "%M:%S|Build|1.0s building done|Rollout|1.0s Creating crit"},
		{"a build that fails", verdict.Failed, nil, time.Second, []string{"Build/building", "/"}, "%M:%S|Build|1.0s building crit"},
		{"a rollback that fails", verdict.Failed, &verdict.Rollback{Failure: &verdict.Failure{}}, time.Second, []string{"Rollout/Creating", "Rollback/Creating", "Rollback/Failed"},
			"%M:%S|Rollout|1.0s Creating crit|Rollback|1.0s Creating done|1.0s Failed crit"},
		{"the same stage twice", verdict.Ready, nil, time.Second, []string{"Rollout/Creating", "Rollout/Creating", "Rollout/Active"}, "%M:%S|Rollout|2.0s Creating done|1.0s Active done"},
		{"for long", verdict.Ready, nil, time.Hour, []string{"Rollout/Creating"}, "%H:%M:%S|Rollout|1h0m0s Creating done"},
		{"names that a chart would not take", verdict.Ready, nil, time.Second, []string{"Rollout/a:b, c-d;e", "Rollout/::"}, "%M:%S|Rollout|1.0s a b c-d e done|1.0s – done"},
		{"nothing", verdict.Ready, nil, 0, []string{"Rollout/Creating"}, ""},
	} {
		var r Record
		at := start
		for _, s := range tt.stages {
			part, name, _ := strings.Cut(s, "/")
			r.enter(part, name, at)
			at = at.Add(tt.each)
		}
		r.ended, r.status, r.failure.Rollback = at, tt.status, tt.back
		var got []string
		for line := range strings.Lines(r.timeline()) {
			line = strings.TrimSpace(line)
			switch first, rest, _ := strings.Cut(line, " "); {
			case first == "axisFormat" || first == "section":
				got = append(got, rest)
			case strings.Contains(line, ", 2000-"):
				name, tag, _ := strings.Cut(line, " :")
				tag, _, _ = strings.Cut(tag, ",")
				got = append(got, name+" "+tag)
			}
		}
		if all := strings.Join(got, "|"); all != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, all, tt.want)
		}
	}
}

// TestStages holds that no more stages are kept than a page has room for.
func TestStages(t *testing.T) {
	var r Record
	for i := range 10 * maxStages {
		r.enter("Rollout", strings.Repeat("x", i), start)
	}
	if n := len(r.stages); n != maxStages {
		t.Errorf("%d stages, want %d", n, maxStages)
	}
}
