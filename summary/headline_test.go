package summary

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/hearing"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// update is the plan to deploy a/b:v2 over a deployment of an image.
func update(image string) event.Planned {
	return event.Planned{Previous: "old", PreviousImage: image, Image: "a/b:v2", NeedsDeployment: true}
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
	previous := revision.State{Stage: revision.InPhase("Failed"), Serving: revision.ServingPrevious, ServingID: "old"}
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
		{"refused", update("a/b:v1"), false, false, revision.State{}, "", failed, "✗ v2 on bot: no – nothing was changed"},
		{"refused, after an answer that was lost", update("a/b:v1"), true, false, revision.State{}, "", failed, "✗ v2 on bot: no"},
		{"a new agent", event.Planned{Create: true, Image: "a/b:v2"}, false, false, revision.State{}, "", failed, "✗ v2 on bot: no"},
		{"the one before", update("a/b:v1"), false, true, previous, "", failed, "✗ v2 on bot: no – v1 is still serving calls"},
		{"one before that", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingPrevious, ServingID: "older"}, "", failed, "✗ v2 on bot: no – deployment older is still serving calls"},
		{"one that is not reported", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingPrevious}, "", failed, "✗ v2 on bot: no – an earlier deployment is still serving calls"},
		{"the same tag", update("a/b:v2"), false, true, previous, "", failed, "✗ v2 on bot: no – deployment old is still serving calls"},
		{"settings alone", event.Planned{Previous: "old", PreviousImage: "a/b:v1"}, false, true, previous, "", failed, "✗ bot: no – deployment old is still serving calls"},
		{"a digest", update("localhost:5000/a/b@sha256:" + strings.Repeat("a", 64)), false, true, previous, "", failed, "✗ v2 on bot: no – deployment old is still serving calls"},
		{"a tag and a digest", update("localhost:5000/a/b:v1@sha256:" + strings.Repeat("a", 64)), false, true, previous, "", failed, "✗ v2 on bot: no – v1 is still serving calls"},
		{"what is no tag", update("a/b:" + strings.Repeat("v", 129)), false, true, previous, "", failed, "✗ v2 on bot: no – deployment old is still serving calls"},
		{"ours", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingOurs, ServingID: "new"}, "", failed, "✗ v2 on bot: no – the new version is serving calls at the moment"},
		{"ours, which does not answer", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingOurs, ServingID: "new"}, "", verdict.Failure{Status: verdict.Failed, Reason: verdict.ReasonNoAnswer, Message: "it was not heard"},
			"✗ v2 does not answer callers on bot: it was not heard – calls go to the failed version"},
		{"the one before, and ours does not answer", update("a/b:v1"), false, true, previous, "", verdict.Failure{Status: verdict.Failed, Reason: verdict.ReasonNoAnswer, Message: "it was not heard"},
			"✗ v2 does not answer callers on bot: it was not heard – v1 is still serving calls"},
		{"none", update("a/b:v1"), false, true, revision.State{Serving: revision.ServingNothing}, "", failed, "✗ v2 on bot: no – nothing serves calls"},
		{"who knows", update("a/b:v1"), false, true, revision.State{}, "", failed, "✗ v2 on bot: no – which version serves calls is unknown"},
		{"a stopped job", update("a/b:v1"), false, true, revision.State{}, "", verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled, Message: "stopped"}, "✗ v2 on bot: stopped"},
		{"a key that is taken back", update("a/b:v1"), false, true, previous, "", verdict.Failure{Status: verdict.Failed, Reason: verdict.Auth, Message: "no"}, "✗ v2 on bot: no – which version serves calls is unknown"},
		{"not ready, and the log says why", update("a/b:v1"), false, true, previous, "KeyError", notReady, "✗ v2 did not become ready on bot: KeyError: 'X' – v1 is still serving calls"},
		{"not ready", update("a/b:v1"), false, true, previous, "", notReady, "✗ v2 on bot: it is not ready – v1 is still serving calls"},
		{"a fault of this program's own, before the update", update("a/b:v1"), false, false, revision.State{}, "", internal, "✗ v2 on bot: no"},
		{"a fault of this program's own, after it", update("a/b:v1"), false, true, previous, "", internal, "✗ v2 on bot: no – which version serves calls is unknown"},
		{"a fault of this program's own, in a build", event.Planned{Previous: "old", FromBuild: true}, false, false, revision.State{}, "", internal, "✗ bot: no"},
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
	serving := revision.State{Stage: revision.InPhase("Active"), Serving: revision.ServingOurs, ServingID: "new"}
	minAgents := []settings.Change{{Name: "min-agents", Before: "1", After: "2", Asked: true, Moves: true, Scaling: true}, {Name: "max-agents", Before: "3", After: "3"}}
	for _, tt := range []struct {
		status verdict.Status
		plan   event.Planned
		look   revision.State
		want   string
	}{
		{verdict.Ready, update("a/b:v1"), serving, "✓ v2 is live on bot after 6.6s"},
		{verdict.Ready, event.Planned{Create: true, Image: "a/b:v2"}, serving, "✓ Created a new agent bot: v2 is live after 6.6s"},
		{verdict.Deployed, event.Planned{Create: true, Image: "a/b:v2"}, revision.State{}, "✓ Created a new agent bot with v2; not waiting for it to become ready"},
		{verdict.Ready, event.Planned{Previous: "old", PreviousImage: "a/b:v1", NeedsDeployment: true}, serving, "✓ New settings are live on bot after 6.6s; the image is unchanged"},
		{verdict.Ready, event.Planned{FromBuild: true, NeedsDeployment: true, Region: "us-west"}, serving, "✓ Deployment new is live on bot (us-west) after 6.6s"},
		{verdict.Unchanged, event.Planned{ScalingOnly: true, Changes: minAgents}, serving, "✓ Scaled bot: min-agents 1 → 2"},
		{verdict.Deployed, update("a/b:v1"), revision.State{}, "✓ v2 was accepted for bot; not waiting for it to become ready"},
		{verdict.Unchanged, update("a/b:v1"), serving, "✓ Nothing was deployed: bot already runs v2"},
		{verdict.Unchanged, update("a/b:v1"), revision.State{}, "✓ Nothing was deployed: bot keeps v2"},
		{verdict.Planned, event.Planned{Create: true}, revision.State{}, "✓ Dry run: bot would be created; nothing was sent"},
		{verdict.Planned, update("a/b:v1"), revision.State{}, "✓ Dry run: bot would get v2; nothing was sent"},
		{verdict.Planned, event.Planned{ScalingOnly: true, Changes: minAgents}, revision.State{}, "✓ Dry run: bot would be scaled: min-agents 1 → 2; nothing was sent"},
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
	for now, want := range map[string]string{"back": "v1 is still serving calls", "new": "the new version is serving calls at the moment", "old": "v1 is still serving calls", "else": "deployment else is still serving calls"} {
		var r Record
		play(r.Add, "bot").emit(event.Configured{Image: "a/b:v2"}).in(event.Update).
			emit(update("a/b:v1"), event.Accepted{ID: "new", Previous: "old"}).in(event.Revert).
			emit(event.Planned{RevertsID: "new"}, event.Accepted{ID: "back", Previous: "new"}, seen(revision.State{Serving: revision.ServingPrevious, ServingID: now}),
				red(verdict.Failure{Reason: verdict.Refused, Message: "no", Rollback: &verdict.Rollback{Message: "the rollback failed too: why", Failure: &verdict.Failure{}}}))
		if got := Headline(&r); got != "✗ v2 on bot: no – the rollback failed, too; "+want {
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
		{"restored", crash(verdict.RolledBack, &verdict.Rollback{Message: "rolled back to the previous version"}),
			"✗ v2 crashed on bot – rolled back to v1", "Rolled back to the previous version.", "it crashes – rolled back to the previous version"},
		{"superseded", crash("", &verdict.Rollback{Message: "it is not rolled back", Failure: &verdict.Failure{Status: verdict.Superseded}}),
			"✗ v2 crashed on bot – not rolled back: another client has deployed since", "It is not rolled back.", "it crashes – it is not rolled back"},
		{"failed, by an API that cannot be read", crash("", &verdict.Rollback{Message: "why", Failure: &verdict.Failure{Reason: verdict.API}}),
			"✗ v2 crashed on bot – the rollback failed, too; which version serves calls is unknown", "Why.", "it crashes – why"},
		{"without words", crash("", &verdict.Rollback{Failure: &verdict.Failure{}}),
			"✗ v2 crashed on bot – the rollback failed, too; v1 is still serving calls", "", "it crashes – "},
		{"stopped", red(verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled, Message: "stopped"}),
			"✗ v2 on bot: stopped – v1 is still serving calls", "", "stopped"},
	} {
		var r Record
		play(r.Add, "bot").emit(event.Configured{Image: "a/b:v2"}).in(event.Update).
			emit(update("a/b:v1"), event.Accepted{ID: "new", Previous: "old"}).in(event.Revert).
			emit(event.Planned{RevertsID: "new"}, event.Accepted{ID: "back", Previous: "new"}, seen(revision.State{Serving: revision.ServingOurs, ServingID: "back"}), tt.finished)
		if tt.fared != "" {
			tt.fared += "|"
		}
		if got := strings.Join(r.fared(), "|"); got != tt.fared+"Callers were not affected: an earlier deployment served all calls." {
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
		{"the one before", []revision.State{previous, previous, back}, "Callers were not affected: an earlier deployment served all calls."},
		{"the new one, for a while", []revision.State{previous, failed, failed, previous, back}, "Callers reached the failed version for about 20s."},
		{"nothing, for a while", []revision.State{previous, nothing, previous, previous, back}, "Callers reached nothing for about 10s."},
		{"nothing, to the end", []revision.State{previous, nothing}, "Callers reached nothing for about 10s so far."},
		{"both", []revision.State{failed, nothing, nothing, back, back}, "Callers reached nothing for about 20s, and the failed version for about 10s."},
		{"who knows", []revision.State{unknown, unknown, back}, "It is unknown whether callers were affected: what they reached for about 20s is unknown."},
		{"no poll at all", nil, "It is unknown whether callers were affected: what they reached for about 0.0s is unknown."},
		{"who knows, for a while", []revision.State{failed, unknown, back}, "Callers reached the failed version for about 10s; what they reached for about 10s is unknown."},
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
	if got := c.affected(start.Add(maxGap)); got != "Callers were not affected: an earlier deployment served all calls." {
		t.Errorf("got %q", got)
	}
	if got := c.affected(start.Add(maxGap + time.Second)); got != "It is unknown whether callers were affected: what they reached for about 31s is unknown." {
		t.Errorf("got %q", got)
	}
}

// TestTimeline holds how long each stage of a rollout and its rollback took.
func TestTimeline(t *testing.T) {
	for _, tt := range []struct {
		name   string
		each   time.Duration
		stages []string // part/name
		want   string   // the rows
	}{
		{"all is well", time.Second, []string{"Rollout/Creating", "Rollout/Active"}, "| Rollout | Creating | 1.0s |\n| Rollout | Active | 1.0s |\n"},
		{"rolled back", time.Second, []string{"Rollout/Failed", "Rollback/Creating"}, "| Rollout | Failed | 1.0s |\n| Rollback | Creating | 1.0s |\n"},
		{"a break after a build", time.Second, []string{"Build/building", "/", "Rollout/Creating", "/"}, "| Build | building | 1.0s |\n| Rollout | Creating | 1.0s |\n"},
		{"the same stage twice", time.Second, []string{"Rollout/Creating", "Rollout/Creating", "Rollout/Active"}, "| Rollout | Creating | 2.0s |\n| Rollout | Active | 1.0s |\n"},
		{"a name in Markdown", time.Hour, []string{"Rollout/a|b"}, "| Rollout | a\\|b | 1h |\n"},
		{"nothing", 0, []string{"Rollout/Creating"}, ""},
	} {
		var r Record
		at := start
		for _, s := range tt.stages {
			part, name, _ := strings.Cut(s, "/")
			r.enter(part, name, at)
			at = at.Add(tt.each)
		}
		r.ended = at
		_, rows, _ := strings.Cut(r.timeline(), "|:--|:--|--:|\n")
		if got := strings.TrimSuffix(rows, "\n"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestStages holds that no more stages are kept than fit a page.
func TestStages(t *testing.T) {
	var r Record
	for i := range 10 * maxStages {
		r.enter("Rollout", strings.Repeat("x", i), start)
	}
	if n := len(r.stages); n != maxStages {
		t.Errorf("%d stages, want %d", n, maxStages)
	}
}

// TestAnswered holds what a green headline says of a test call, by what was heard of it.
func TestAnswered(t *testing.T) {
	second := time.Second
	for _, tt := range []struct {
		road  string
		heard hearing.Call
		want  string
	}{
		{pipecat.WebSocket, hearing.Call{Agent: []hearing.Span{{From: second, To: 2 * second}}}, "and answered a test call in 1.0s"},
		{pipecat.Twilio, hearing.Call{Caller: []hearing.Span{{From: second, To: 2 * second}}, Agent: []hearing.Span{{From: 3 * second, To: 4 * second}}}, "and answered a test call"},
		{pipecat.Daily, hearing.Call{}, "and kept the session of a test call live"},
	} {
		r := Record{agent: "bot"}
		r.finish(verdict.Of(verdict.Ready, nil))
		r.called = &event.Called{Road: tt.road, Answer: verdict.Answered, Heard: tt.heard}
		if got, want := Headline(&r), "✓ The new version is live on bot "+tt.want; got != want {
			t.Errorf("%s: got %q, want %q", tt.road, got, want)
		}
	}
}

// TestBegin holds that a sentence begins with a capital, whatever its first letter is.
func TestBegin(t *testing.T) {
	for text, want := range map[string]string{"": "", "rolled back": "Rolled back", "Rolled back": "Rolled back", "übrig": "Übrig", "3 left": "3 left", "日本": "日本", "\xffa": "\xffa"} {
		if got := begin(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestHeadlineHas holds that an annotation has the failure's message, and the page what
// was raised, unless the headline has all of it. Where the headline has the same letters by
// chance, it does not have it.
func TestHeadlineHas(t *testing.T) {
	long := strings.Repeat("long ", maxHeadline/5) + "end"
	place := &diagnosis.Place{File: "bot.py", Line: 3}
	for _, tt := range []struct {
		name    string
		reason  verdict.Reason
		message string
		why     diagnosis.Diagnosis
		more    string // the message in the annotation
		raised  string // on the page
	}{
		{"the message", verdict.API, "no route.", diagnosis.Diagnosis{}, "", ""},
		{"a message that is cut", verdict.API, long, diagnosis.Diagnosis{}, long, ""},
		{"a message with what was raised", verdict.API, "it broke: E: x", diagnosis.Diagnosis{Type: "E", Cause: "E: x"}, "", ""},
		{"the cause", verdict.Crash, "it crashes: E: x", diagnosis.Diagnosis{Type: "E", Cause: "E: x"}, "it crashes: E: x", ""},
		{"a place", verdict.Crash, "it crashes: E: x", diagnosis.Diagnosis{Type: "E", Cause: "E: x", Place: place}, "it crashes: E: x", "E: x"},
		{"a place, and a type alone", verdict.Crash, "it crashes: E", diagnosis.Diagnosis{Type: "E", Cause: "E", Place: place}, "it crashes: E", ""},
		{"a cause that is long", verdict.Crash, "it crashes: E: " + long, diagnosis.Diagnosis{Type: "E", Cause: "E: " + long}, "it crashes: E: " + long, "E: " + long},
		{"a message as in other words", verdict.Crash, "crashed", diagnosis.Diagnosis{}, "crashed", ""},
		{"a cause as in other words", verdict.Crash, "it crashes: py", diagnosis.Diagnosis{Type: "E", Cause: "py", Place: place}, "it crashes: py", "py"},
		{"no message", verdict.Crash, "", diagnosis.Diagnosis{}, "", ""},
	} {
		var r Record
		play(r.Add, "bot").emit(event.Configured{}, event.Diagnosed{Diagnosis: tt.why}, red(verdict.Failure{Reason: tt.reason, Message: tt.message}))
		more := ""
		if lines := r.more(r.headline()); len(lines) > 0 && !strings.HasPrefix(lines[0], "What to do: ") {
			more = lines[0]
		}
		if more != tt.more || r.exception() != tt.raised {
			t.Errorf("%s: got %q, %q, want %q, %q, under %s", tt.name, more, r.exception(), tt.more, tt.raised, Headline(&r))
		}
	}
}

// TestSays holds that the log shows what was printed, unless the message has all of it,
// which it has not because of the same letters in it.
func TestSays(t *testing.T) {
	for _, tt := range []struct {
		name    string
		quoted  bool
		output  string
		cause   string
		message string
		want    bool
	}{
		{"the cause", false, "E: x\n", "E: x", "it crashes: E: x", true},
		{"the cause after what a logger writes", false, "12:00 ERROR E: x", "E: x", "it crashes: E: x", true},
		{"the cause after another line", false, "first\nE: x", "E: x", "it crashes: E: x", false},
		{"the cause and more", false, "E: x, and more", "E: x", "it crashes: E: x", false},
		{"no cause", false, "why", "", "it crashes", false},
		{"a word that the message has", false, "it", "", "it crashes", false},
		{"nothing to be seen", false, "\x1b[0m", "", "it crashes", true},
		{"what the message quotes", true, "no route", "", "refused: 404 Not Found: no route", true},
	} {
		var r Record
		f := verdict.Failure{Reason: verdict.Crash, Message: tt.message,
			Evidence: []verdict.Evidence{{From: verdict.FromContainer, Text: tt.output, Quoted: tt.quoted}}}
		play(r.Add, "bot").emit(event.Configured{}, event.Diagnosed{Diagnosis: diagnosis.Diagnosis{Cause: tt.cause}}, red(f))
		if got := r.printed == ""; got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
	}
}
