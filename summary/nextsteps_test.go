package summary

import (
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// TestNextSteps holds which commands are offered after a red job.
func TestNextSteps(t *testing.T) {
	crashed := verdict.Failure{Reason: verdict.Crash}
	plan := func(p event.Planned) event.Planned {
		p.Changes = []settings.Change{{Name: "agent-profile", Before: "agent-1x", After: "agent-2x", Asked: true, Moves: true}}
		return p
	}
	image := plan(event.Planned{PreviousID: "old", RevertRequest: `{"agentProfile":"agent-1x"}`})
	ofBuild := plan(event.Planned{PreviousID: "old", Irreversible: "it is of a build", RevertRequest: `{"buildId":"BUILD_ID","agentProfile":"agent-1x"}`, RevertNeedsBuild: true})
	created := plan(event.Planned{Create: true, Irreversible: "the agent was new"})
	const status, back, build, rerun = "agent status bot", `-d '{"agentProfile":"agent-1x"}' https://api.example/v1/agents/bot`, "BUILD_ID", "gh run rerun 42 --failed --repo acme/bots"
	for _, tt := range []struct {
		name  string
		plan  event.Planned
		taken string // id; empty: it was not
		run   string
		f     verdict.Failure
		want  []string
		not   []string
	}{
		{"a crash", image, "new", "42", crashed, []string{status, "# back to what ran before\n", back}, []string{build, rerun}},
		{"a rollback that was refused", image, "new", "42", verdict.Failure{Reason: verdict.ImagePull, Rollback: &verdict.Rollback{Failure: &verdict.Failure{}}}, []string{status, back, rerun}, nil},
		{"a rollback that someone else overtook", image, "new", "42", verdict.Failure{Rollback: &verdict.Rollback{Failure: &verdict.Failure{Status: verdict.Superseded}}}, []string{status}, []string{back}},
		{"a build before", ofBuild, "new", "42", crashed, []string{status, "# back to a build that ran before, which this lists: pipecat cloud build list\n", build, "agent-1x"}, []string{rerun}},
		{"a crash of what is there", image, "old", "42", crashed, []string{status}, []string{"curl", rerun}},
		{"a refusal", image, "", "42", verdict.Failure{Reason: verdict.Refused}, []string{rerun}, []string{status, "curl"}},
		{"a new agent", created, "new", "42", crashed, []string{status}, []string{"curl"}},
		{"another's", image, "new", "42", verdict.Failure{Status: verdict.Superseded, Reason: verdict.ReasonSuperseded}, []string{status, rerun}, []string{"curl"}},
		{"rolled back", image, "new", "42", verdict.Failure{Status: verdict.RolledBack, Rollback: &verdict.Rollback{Message: "it is back"}}, []string{status}, []string{"curl", rerun}},
		{"a run that is none", image, "new", "42;x", crashed, []string{status, back}, []string{"gh run"}},
		{"a fault of this program's own", image, "new", "42", verdict.Failure{Reason: verdict.Internal}, []string{status, back}, []string{rerun}},
		{"a green job", image, "new", "42", verdict.Failure{Status: verdict.Ready}, nil, []string{status, "curl", rerun}},
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
		page := Page(gha.Run{ID: tt.run, Repository: "acme/bots"}, []*Record{&r})
		for _, s := range tt.want {
			if !strings.Contains(page, s) {
				t.Errorf("%s: lacks %s:\n%s", tt.name, s, page)
			}
		}
		for _, s := range tt.not {
			if strings.Contains(page, s) {
				t.Errorf("%s: has %s:\n%s", tt.name, s, page)
			}
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
			emit(event.Planned{PreviousID: "old", RevertRequest: "{}"}, event.Accepted{ID: "new", Previous: "old"})
		if reverting {
			p.in(event.Revert).emit(event.Planned{Reverts: "new"})
		}
		p.emit(red(stopped))
		if got := strings.Contains(Page(gha.Run{}, []*Record{&r}), "curl"); got == reverting {
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
