package summary

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// TestByHand holds which inputs are offered to put the version before back.
func TestByHand(t *testing.T) {
	crashed := verdict.Failure{Reason: verdict.Crash}
	profile := settings.Change{Name: "agent-profile", Before: "agent-2x", After: "agent-1x", Asked: true, Moves: true}
	image := event.Planned{Previous: "old", Reversal: []settings.Change{{Name: "image", Before: "a/b:v2", After: "a/b:v1", Asked: true, Moves: true}, profile}}
	shownBuild := event.Planned{Previous: "old", Reversal: []settings.Change{{Name: "build-id", After: "b-1", Asked: true, Moves: true}, profile}}
	hiddenBuild := event.Planned{Previous: "old", Irreversible: "it is of a build", Reversal: []settings.Change{profile}, RevertNeedsBuild: true, Lasting: []string{"the agent had no secret-set"}}
	size := event.Planned{Previous: "old", Reversal: []settings.Change{{Name: "resources", After: "cpu=1 memory=2Gi", FileOnly: true}}}
	created := event.Planned{Create: true, Irreversible: "the agent was new"}
	for _, tt := range []struct {
		name  string
		plan  event.Planned
		taken string // id; empty: it was not
		f     verdict.Failure
		want  string // the inputs; "" for none
	}{
		{"a crash", image, "new", crashed, "agent-name: bot\nimage: a/b:v1\nagent-profile: agent-1x\n"},
		{"a rollback that was refused", image, "new", verdict.Failure{Reason: verdict.ImagePull, Rollback: &verdict.Rollback{Failure: &verdict.Failure{}}}, "agent-name: bot\nimage: a/b:v1\nagent-profile: agent-1x\n"},
		{"a rollback that someone else overtook", image, "new", verdict.Failure{Rollback: &verdict.Rollback{Failure: &verdict.Failure{Status: verdict.Superseded}}}, ""},
		{"a build before", shownBuild, "new", crashed, "agent-name: bot\nbuild-id: b-1\nagent-profile: agent-1x\n"},
		{"a build before that is not reported", hiddenBuild, "new", crashed, "agent-name: bot\nagent-profile: agent-1x\nbuild-id: # the build that ran before\n"},
		{"what a config file alone can ask for", size, "new", crashed, "agent-name: bot\n"},
		{"a crash of the current version", image, "old", crashed, ""},
		{"a refusal", image, "", verdict.Failure{Reason: verdict.Refused}, ""},
		{"a new agent", created, "new", crashed, ""},
		{"another client's", image, "new", verdict.Failure{Status: verdict.Superseded, Reason: verdict.ReasonSuperseded}, ""},
		{"rolled back", image, "new", verdict.Failure{Status: verdict.RolledBack, Rollback: &verdict.Rollback{Message: "restored"}}, ""},
		{"a green job", image, "new", verdict.Failure{Status: verdict.Ready}, ""},
	} {
		var r Record
		p := play(r.Add, "bot").emit(event.Configured{APIURL: "https://api.example/v1"}).in(event.Update).emit(tt.plan)
		if tt.taken != "" {
			p.emit(event.Accepted{ID: tt.taken, Previous: "old"})
		}
		if tt.f.Status.OK() {
			p.emit(green(tt.f.Status))
		} else {
			p.emit(red(tt.f))
		}
		page := Page(gha.Run{}, []*Record{&r})
		_, inputs, _ := strings.Cut(page, "```yaml\n")
		inputs, _, _ = strings.Cut(inputs, "```")
		if inputs != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, inputs, tt.want)
		}
		if stays := strings.Contains(page, "Not put back: the agent had no secret-set."); stays != tt.plan.RevertNeedsBuild {
			t.Errorf("%s: it says what is not put back: %t", tt.name, stays)
		}
		if inFile := strings.Contains(page, "Set `[resources]` in the config file back to `cpu=1 memory=2Gi`."); inFile != (tt.name == "what a config file alone can ask for") {
			t.Errorf("%s: of the file: %t", tt.name, inFile)
		}
	}
}

// TestLinks holds which pages a summary links to.
func TestLinks(t *testing.T) {
	run := gha.Run{Server: "https://github.com", Repository: "acme/bots", Commit: "abc", ID: "42", Tag: "v2"}
	const commit = "[Commit](https://github.com/acme/bots/commit/abc) · [Run](https://github.com/acme/bots/actions/runs/42) · [Dashboard](https://pipecat.daily.co)\n\n"
	for _, tt := range []struct {
		name, before string
		change       func(*gha.Run)
		want         string
	}{
		{"two versions", "a/b:v1", nil, "[Changes since v1](https://github.com/acme/bots/compare/v1...v2) · " + commit},
		{"a branch", "a/b:v1", func(r *gha.Run) { r.Tag = "" }, commit},
		{"another tag than the image's", "a/b:v1", func(r *gha.Run) { r.Tag = "v3" }, commit},
		{"no version before", "a/b:latest", nil, commit},
		{"off a runner", "a/b:v1", func(r *gha.Run) { *r = gha.Run{} }, ""},
	} {
		r := Record{plan: &event.Planned{Image: "a/b:v2", PreviousImage: tt.before}}
		run := run
		if tt.change != nil {
			tt.change(&run)
		}
		if got := r.links(run); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestStoppedRollback holds that a rollback by hand is not offered while one may be
// under way.
func TestStoppedRollback(t *testing.T) {
	stopped := verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled}
	for _, reverting := range []bool{false, true} {
		var r Record
		p := play(r.Add, "bot").emit(event.Configured{}).in(event.Update).
			emit(event.Planned{Previous: "old", Reversal: []settings.Change{{Name: "image", Before: "a/b:v2", After: "a/b:v1", Asked: true, Moves: true}}}, event.Accepted{ID: "new", Previous: "old"})
		if reverting {
			p.in(event.Revert).emit(event.Planned{RevertsID: "new"})
		}
		p.emit(red(stopped))
		if got := strings.Contains(Page(gha.Run{}, []*Record{&r}), "Roll back"); got == reverting {
			t.Errorf("reverting %t: offered %t", reverting, got)
		}
	}
}

// TestReasons holds that every status and every reason has its text, and in the
// order of verdict.
func TestReasons(t *testing.T) {
	words := func(texts []Text) (all []string) {
		for _, text := range texts {
			if all = append(all, text.Word); text.Text == "" {
				t.Errorf("%s has no text", text.Word)
			}
		}
		return all
	}
	var statuses, reasons []string
	for _, s := range verdict.Statuses() {
		statuses = append(statuses, string(s))
	}
	for _, r := range verdict.Reasons() {
		reasons = append(reasons, string(r))
		if advice(r) == "" {
			t.Errorf("no advice for %s", r)
		}
	}
	if got := words(StatusTexts()); !slices.Equal(got, statuses) {
		t.Errorf("the statuses are %q, want %q", got, statuses)
	}
	if got := words(ReasonTexts()); !slices.Equal(got, reasons) {
		t.Errorf("the reasons are %q, want %q", got, reasons)
	}
}

// TestCallAdvice holds that each result of a test call which leaves something else to do
// than its reason says so, and that what the diagnosis has found comes before it.
func TestCallAdvice(t *testing.T) {
	todo := func(reason verdict.Reason, cause verdict.Cause, hint string) string {
		var r Record
		play(r.Add, "bot").emit(event.Configured{}, event.Diagnosed{Diagnosis: diagnosis.Diagnosis{Hint: hint}},
			red(verdict.Failure{Status: verdict.Failed, Reason: reason, Cause: cause, Message: "no"}))
		return r.todo()
	}
	general := map[verdict.Reason][]verdict.Cause{
		verdict.ReasonNoAnswer: {verdict.CallRaised, verdict.CallEnded},
		verdict.ReasonUnproven: {verdict.CallRefused, verdict.CallStopped},
	}
	special := map[verdict.Reason][]verdict.Cause{
		verdict.ReasonNoAnswer: {verdict.CallSilent, verdict.CallLate, verdict.CallNoResponse, verdict.CallSlow, verdict.CallNotStarted},
		verdict.ReasonUnproven: {verdict.CallAtCapacity, verdict.CallNotReady, verdict.CallSpendLimit, verdict.CallKeyRefused, verdict.CallOldInstance,
			verdict.CallUnknownDeployment, verdict.CallNetwork, verdict.CallNoMedia, verdict.CallProtocol, verdict.CallNotShown, verdict.CallLeft},
	}
	for _, reason := range []verdict.Reason{verdict.ReasonNoAnswer, verdict.ReasonUnproven} {
		for _, cause := range general[reason] {
			if got := todo(reason, cause, ""); got != advice(reason) {
				t.Errorf("%s: %q", cause, got)
			}
		}
		for _, cause := range special[reason] {
			if got := todo(reason, cause, ""); got == "" || got == advice(reason) {
				t.Errorf("%s: %q", cause, got)
			}
			if got := todo(reason, cause, "Do this."); got != "Do this." {
				t.Errorf("%s, with a hint: %q", cause, got)
			}
		}
	}
}

// TestNoRollback holds that the page says once that a deployment is not rolled back: what
// was said before the update gives way to what has come of it. What a plan says gives way
// to the next plan.
func TestNoRollback(t *testing.T) {
	const never, settings, refused = "If this deployment fails", "No image or build is set", "Not rolled back: the one"
	irreversible := event.Planned{Previous: "old", NeedsDeployment: true, Irreversible: "the one before is hidden", Rollback: true}
	reversible := event.Planned{Previous: "old", NeedsDeployment: true, Image: "a/b:v2", Rollback: true}
	crash := red(verdict.Failure{Reason: verdict.Crash})
	for _, tt := range []struct {
		name string
		play func(p *player)
		want []string // of the three
	}{
		{"not rolled back", func(p *player) {
			p.in(event.Revert).emit(event.NotReverted{Err: event.Irreversible{Why: errors.New("the one before is hidden")}}, crash)
		}, []string{settings, refused}},
		{"not rolled back, for another reason", func(p *player) {
			p.in(event.Revert).emit(event.NotReverted{Err: errors.New("another client has deployed since")}, crash)
		}, []string{never, settings}},
		{"green", func(p *player) { p.emit(green(verdict.Ready)) }, []string{never, settings}},
		{"rolled back after all", func(p *player) { p.in(event.Revert).emit(event.Planned{RevertsID: "new"}, crash) }, []string{settings}},
		{"the same plan again", func(p *player) { p.emit(irreversible, green(verdict.Ready)) }, []string{never, settings}},
		{"another plan", func(p *player) { p.emit(reversible, green(verdict.Ready)) }, nil},
	} {
		var r Record
		tt.play(play(r.Add, "bot").emit(event.Configured{}, event.Unreachable{}).in(event.Update).
			emit(irreversible, event.Accepted{ID: "new", Previous: "old"}))
		page := Page(gha.Run{}, []*Record{&r})
		for _, text := range []string{never, settings, refused, "The API is unreachable"} {
			want := 0
			if text == "The API is unreachable" || slices.Contains(tt.want, text) {
				want = 1
			}
			if got := strings.Count(page, text); got != want {
				t.Errorf("%s: %d times %q, want %d\n%s", tt.name, got, text, want, page)
			}
		}
	}
}
