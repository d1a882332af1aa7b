package summary

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

// before is an agent that serves an image.
func before(image string) *pipecat.Agent {
	a := &pipecat.Agent{DesiredDeploymentID: "old", ReconciledDeploymentID: "old", Ready: true, Deployment: &pipecat.Deployment{ID: "old"}}
	a.Deployment.Manifest.Spec.Image = image
	return a
}

// TestHeadline holds what a red job says of who serves callers.
func TestHeadline(t *testing.T) {
	failed := verdict.Verdict{Status: verdict.Failed, Reason: verdict.Refused, Message: "no"}
	notReady := verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.NotReady, Message: "it is not ready"}
	image := deploy.Artefact{Image: "a/b:v2"}
	previous := poll.Look{Stage: "Failed", Serving: poll.ServesPrevious, Server: "old"}
	for _, tt := range []struct {
		name   string
		change *deploy.Change
		lost   bool
		taken  bool
		look   poll.Look
		why    string // the diagnosis
		v      verdict.Verdict
		want   string
	}{
		{"refused", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, false, poll.Look{}, "", failed, "✗ bot: no – nothing was changed"},
		{"refused, after an answer that was lost", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, true, false, poll.Look{}, "", failed, "✗ bot: no"},
		{"a new agent", &deploy.Change{Artefact: image}, false, false, poll.Look{}, "", failed, "✗ bot: no"},
		{"the one before", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, previous, "", failed, "✗ bot: no – v1 still serves callers"},
		{"one before that", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, poll.Look{Serving: poll.ServesPrevious, Server: "older"}, "", failed, "✗ bot: no – deployment older still serves callers"},
		{"one that is not told", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, poll.Look{Serving: poll.ServesPrevious}, "", failed, "✗ bot: no – an earlier deployment still serves callers"},
		{"the same tag", &deploy.Change{Before: before("a/b:v2"), Artefact: image}, false, true, previous, "", failed, "✗ bot: no – deployment old still serves callers"},
		{"settings alone", &deploy.Change{Before: before("a/b:v1")}, false, true, previous, "", failed, "✗ bot: no – deployment old still serves callers"},
		{"a digest", &deploy.Change{Before: before("localhost:5000/a/b@sha256:" + strings.Repeat("a", 64)), Artefact: image}, false, true, previous, "", failed, "✗ bot: no – deployment old still serves callers"},
		{"a tag and a digest", &deploy.Change{Before: before("localhost:5000/a/b:v1@sha256:" + strings.Repeat("a", 64)), Artefact: image}, false, true, previous, "", failed, "✗ bot: no – v1 still serves callers"},
		{"what is no tag", &deploy.Change{Before: before("a/b:" + strings.Repeat("v", 129)), Artefact: image}, false, true, previous, "", failed, "✗ bot: no – deployment old still serves callers"},
		{"ours", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, poll.Look{Serving: poll.ServesOurs, Server: "new"}, "", failed, "✗ bot: no – the new revision takes calls at the moment"},
		{"none", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, poll.Look{Serving: poll.ServesNothing}, "", failed, "✗ bot: no – nothing serves callers"},
		{"who knows", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, poll.Look{}, "", failed, "✗ bot: no – who serves callers is not known"},
		{"a stopped job", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, poll.Look{}, "", verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped, Message: "stopped"}, "✗ bot: stopped"},
		{"a key that is taken back", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, previous, "", verdict.Verdict{Status: verdict.Failed, Reason: verdict.Auth, Message: "no"}, "✗ bot: no – who serves callers is not known"},
		{"not ready, and the log tells why", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, previous, "KeyError", notReady, "✗ bot did not become ready: KeyError: 'X' – v1 still serves callers"},
		{"not ready", &deploy.Change{Before: before("a/b:v1"), Artefact: image}, false, true, previous, "", notReady, "✗ bot: it is not ready – v1 still serves callers"},
	} {
		r := New(&bytes.Buffer{}, func(string) string { return "" })
		r.Begin(config.Config{AgentName: "bot", Settings: pipecat.Settings{Image: "a/b:v2"}})
		r.Deploy(*tt.change)
		if tt.lost {
			r.Deploy(deploy.Lost{Why: errors.New("lost")})
		}
		if tt.taken {
			r.Deploy(deploy.Taken{ID: "new", Previous: "old", Agent: &pipecat.Agent{}})
			r.Poll(poll.AgentSeen{Agent: &pipecat.Agent{}, Look: tt.look})
		}
		if tt.why != "" {
			r.Explain(tt.v, diagnosis.Diagnosis{Type: tt.why, Cause: tt.why + ": 'X'"})
		}
		if got := r.headline(tt.v); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestRolledBackTo holds that the tag is only said of what has it.
func TestRolledBackTo(t *testing.T) {
	for now, want := range map[string]string{"back": "v1 still serves callers", "new": "the new revision takes calls at the moment", "old": "v1 still serves callers", "else": "deployment else still serves callers"} {
		r := New(&bytes.Buffer{}, func(string) string { return "" })
		r.Begin(config.Config{AgentName: "bot", Settings: pipecat.Settings{Image: "a/b:v2"}})
		r.Deploy(deploy.Change{Before: before("a/b:v1"), Artefact: deploy.Artefact{Image: "a/b:v2"}})
		r.Deploy(deploy.Taken{ID: "new", Previous: "old", Agent: &pipecat.Agent{}})
		r.Deploy(deploy.Change{Undoes: "new"})
		r.Deploy(deploy.Taken{ID: "back", Previous: "new", Agent: &pipecat.Agent{}})
		r.Poll(poll.AgentSeen{Agent: &pipecat.Agent{}, Look: poll.Look{Serving: poll.ServesPrevious, Server: now}})
		v := verdict.Verdict{Status: verdict.Failed, Reason: verdict.Refused, Message: "no", Rollback: &verdict.Verdict{Status: verdict.Failed, Message: "the rollback failed too: why"}}
		if got := r.headline(v); got != "✗ bot: no – the rollback failed too; "+want {
			t.Errorf("%s: got %q", now, got)
		}
	}
}

// TestCallers holds what is said of how callers fared, look by look, ten seconds
// apart each.
func TestCallers(t *testing.T) {
	previous := poll.Look{Serving: poll.ServesPrevious, Server: "old"}
	failed := poll.Look{Serving: poll.ServesOurs, Server: "new"}
	back := poll.Look{Serving: poll.ServesOurs, Server: "back"}
	nothing := poll.Look{Serving: poll.ServesNothing}
	unknown := poll.Look{}
	for _, tt := range []struct {
		name  string
		looks []poll.Look
		want  string
	}{
		{"the one before", []poll.Look{previous, previous, back}, "Callers were not affected: an earlier deployment served them all along."},
		{"the new one, for a while", []poll.Look{previous, failed, failed, previous, back}, "Callers reached the new revision for about 20s."},
		{"nothing, for a while", []poll.Look{previous, nothing, previous, previous, back}, "Callers reached nothing for about 10s."},
		{"nothing, to the end", []poll.Look{previous, nothing}, "Callers reached nothing for about 10s by now."},
		{"both", []poll.Look{failed, nothing, nothing, back, back}, "Callers reached nothing for about 20s, and the new revision for about 10s."},
		{"who knows", []poll.Look{unknown, unknown, back}, "Whether callers were affected is not known: what they reached for about 20s is not known."},
		{"no look at all", nil, "Whether callers were affected is not known: what they reached for about 0.0s is not known."},
		{"who knows, for a while", []poll.Look{failed, unknown, back}, "Callers reached the new revision for about 10s; what they reached for about 10s is not known."},
	} {
		var c callers
		at := time.Now()
		for _, look := range tt.looks {
			c.seen(look, "new", at)
			at = at.Add(10 * time.Second)
		}
		if got := c.affected(at); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestTimeline holds how the stages of a rollout and its rollback are drawn.
func TestTimeline(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status verdict.Status
		back   *verdict.Verdict
		each   time.Duration
		stages []string // part/name
		want   string   // the chart's lines, without their times
	}{
		{"all is well", verdict.Ready, nil, time.Second, []string{"Rollout/Creating", "Rollout/Active"}, "%M:%S|Rollout|1.0s Creating done|1.0s Active done"},
		{"rolled back", verdict.RolledBack, &verdict.Verdict{Status: verdict.Ready}, time.Second, []string{"Rollout/Creating", "Rollout/Failed", "Rollback/Creating", "Rollback/Active"},
			"%M:%S|Rollout|1.0s Creating done|1.0s Failed crit|Rollback|1.0s Creating done|1.0s Active done"},
		{"cancelled", verdict.Cancelled, nil, time.Second, []string{"Rollout/Creating"}, "%M:%S|Rollout|1.0s Creating done"},
		{"a crash after a build", verdict.Failed, nil, time.Second, []string{"Build/building", "/", "Rollout/Creating", "/"}, "%M:%S|Build|1.0s building done|Rollout|1.0s Creating crit"},
		{"a build that fails", verdict.Failed, nil, time.Second, []string{"Build/building", "/"}, "%M:%S|Build|1.0s building crit"},
		{"a rollback that fails", verdict.Failed, &verdict.Verdict{Status: verdict.Failed}, time.Second, []string{"Rollout/Creating", "Rollback/Creating", "Rollback/Failed"},
			"%M:%S|Rollout|1.0s Creating crit|Rollback|1.0s Creating done|1.0s Failed crit"},
		{"the same stage twice", verdict.Ready, nil, time.Second, []string{"Rollout/Creating", "Rollout/Creating", "Rollout/Active"}, "%M:%S|Rollout|2.0s Creating done|1.0s Active done"},
		{"for long", verdict.Ready, nil, time.Hour, []string{"Rollout/Creating"}, "%H:%M:%S|Rollout|1h0m0s Creating done"},
		{"names that a chart would not take", verdict.Ready, nil, time.Second, []string{"Rollout/a:b, c-d;e", "Rollout/::"}, "%M:%S|Rollout|1.0s a b c-d e done|1.0s – done"},
		{"nothing", verdict.Ready, nil, 0, []string{"Rollout/Creating"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := New(&bytes.Buffer{}, func(string) string { return "" })
				for _, s := range tt.stages {
					part, name, _ := strings.Cut(s, "/")
					r.enter(part, name, time.Now())
					time.Sleep(tt.each)
				}
				var got []string
				for line := range strings.Lines(r.timeline(verdict.Verdict{Status: tt.status, Rollback: tt.back})) {
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
					t.Errorf("got %s, want %s", all, tt.want)
				}
			})
		})
	}
}

// TestStages holds that no more stages are kept than a page has room for.
func TestStages(t *testing.T) {
	r := New(&bytes.Buffer{}, func(string) string { return "" })
	for i := range 10 * maxStages {
		r.enter("Rollout", strings.Repeat("x", i), time.Now())
	}
	if n := len(r.stages); n != maxStages {
		t.Errorf("%d stages, want %d", n, maxStages)
	}
}

// TestNext holds which commands are offered after a red job.
func TestNext(t *testing.T) {
	profile := []deploy.Setting{{Name: "agent-profile", Before: "agent-1x", After: "agent-2x", From: "input"}}
	crashed := verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash}
	const status, back, build, rerun = "agent status bot", `-d '{"agentProfile":"agent-1x"}'`, "BUILD_ID", "gh run rerun 42 "
	for _, tt := range []struct {
		name   string
		before *pipecat.Agent
		taken  string // id; empty: it was not
		run    string
		v      verdict.Verdict
		want   []string
		not    []string
	}{
		{"a crash", before("a/b:v1"), "new", "42", crashed, []string{status, back}, []string{build, rerun}},
		{"a rollback that was refused", before("a/b:v1"), "new", "42", verdict.Verdict{Status: verdict.Failed, Reason: verdict.ImagePull, Rollback: &verdict.Verdict{Status: verdict.Failed}}, []string{status, back, rerun}, nil},
		{"a rollback that someone else overtook", before("a/b:v1"), "new", "42", verdict.Verdict{Status: verdict.Failed, Rollback: &verdict.Verdict{Status: verdict.Superseded}}, []string{status}, []string{back}},
		{"a build before, and another profile alone", before("[redacted]"), "new", "42", crashed, []string{back}, []string{build}},
		{"a crash of what is there", before("a/b:v1"), "old", "42", crashed, []string{status}, []string{back, rerun}},
		{"a refusal", before("a/b:v1"), "", "42", verdict.Verdict{Status: verdict.Failed, Reason: verdict.Refused}, []string{rerun}, []string{status, back}},
		{"a new agent", nil, "new", "42", crashed, []string{status}, []string{"curl"}},
		{"another's", before("a/b:v1"), "new", "42", verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced}, []string{status, rerun}, []string{"curl"}},
		{"rolled back", before("a/b:v1"), "new", "42", verdict.Verdict{Status: verdict.RolledBack, Rollback: &verdict.Verdict{Status: verdict.Ready, Message: "it is back"}}, []string{status}, []string{"curl", rerun}},
		{"a run that is none", before("a/b:v1"), "new", "42;x", crashed, []string{status, back}, []string{"gh run"}},
		{"a green job", before("a/b:v1"), "new", "42", verdict.Verdict{Status: verdict.Ready}, nil, []string{status, back, rerun}},
	} {
		r := New(&bytes.Buffer{}, func(name string) string {
			return map[string]string{"GITHUB_RUN_ID": tt.run, "GITHUB_REPOSITORY": "acme/bots"}[name]
		})
		r.Begin(config.Config{AgentName: "bot"})
		r.Deploy(deploy.Change{Before: tt.before, Plan: profile})
		if tt.taken != "" {
			r.Deploy(deploy.Taken{ID: tt.taken, Previous: "old", Agent: &pipecat.Agent{}})
		}
		got := r.next(tt.v)
		for _, s := range tt.want {
			if !strings.Contains(got, s) {
				t.Errorf("%s: lacks %s:\n%s", tt.name, s, got)
			}
		}
		for _, s := range tt.not {
			if strings.Contains(got, s) {
				t.Errorf("%s: has %s:\n%s", tt.name, s, got)
			}
		}
	}
}

// TestLink holds where a place in the source leads to.
func TestLink(t *testing.T) {
	for _, tt := range []struct{ server, repository, commit, file, want string }{
		{"https://github.com", "acme/bots", "abc", "src/a (1)#.py", "https://github.com/acme/bots/blob/abc/src/a%20%281%29%23.py#L7"},
		{"https://ghe.example/git", "acme/bots", "abc", "bot.py", "https://ghe.example/git/acme/bots/blob/abc/bot.py#L7"},
		{"http://github.com", "acme/bots", "abc", "bot.py", ""},
		{"https://github.com", "", "abc", "bot.py", ""},
		{"https://github.com", "acme/bots", "", "bot.py", ""},
		{"", "", "", "bot.py", ""},
		{":", "acme/bots", "abc", "bot.py", ""},
	} {
		r := New(&bytes.Buffer{}, func(name string) string {
			return map[string]string{"GITHUB_SERVER_URL": tt.server, "GITHUB_REPOSITORY": tt.repository, "GITHUB_SHA": tt.commit}[name]
		})
		if got := r.link(&diagnosis.Place{File: tt.file, Line: 7}); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

// TestWayBack holds when it is told beforehand that there is no way back.
func TestWayBack(t *testing.T) {
	for _, tt := range []struct {
		name     string
		before   *pipecat.Agent
		rollback bool
		want     bool
	}{
		{"a build", before("[redacted]"), true, true},
		{"a build, and no rollback asked for", before("[redacted]"), false, false},
		{"an image", before("a/b:v1"), true, false},
		{"a new agent", nil, true, false},
	} {
		var log bytes.Buffer
		r := New(&log, func(string) string { return "" })
		r.Begin(config.Config{AgentName: "bot", Settings: pipecat.Settings{Image: "a/b:v2"}})
		change := deploy.Change{Before: tt.before, Artefact: deploy.Artefact{Image: "a/b:v2"}, Rollback: tt.rollback}
		if tt.before != nil {
			change.Plan = []deploy.Setting{{Name: "image", Before: tt.before.Deployment.Manifest.Spec.Image, After: "a/b:v2", From: "input"}}
		}
		r.Deploy(change)
		if got := strings.Contains(log.String(), "If this fails, it is not rolled back: "); got != tt.want {
			t.Errorf("%s:\n%s", tt.name, log.String())
		}
	}
}

// TestRequest holds that a log tells the rollback from the update.
func TestRequest(t *testing.T) {
	var log bytes.Buffer
	r := New(&log, func(string) string { return "" })
	r.Begin(config.Config{AgentName: "bot"})
	r.Deploy(deploy.Change{Before: before("a/b:v1")})
	r.Deploy(deploy.Held{Why: errors.New("wait")})
	r.Deploy(deploy.Unseen{})
	r.Deploy(deploy.Change{Undoes: "new"})
	r.Deploy(deploy.Held{Why: errors.New("wait")})
	for _, want := range []string{"  The update is not taken yet,", "  No new deployment shows yet,", "  The rollback is not taken yet,"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("lacks %q:\n%s", want, log.String())
		}
	}
}

// TestRestarts holds that another revision's restarts are not told as ours.
func TestRestarts(t *testing.T) {
	for id, want := range map[string]bool{"new": true, "old": false} {
		r := New(&bytes.Buffer{}, func(string) string { return "" })
		r.Begin(config.Config{AgentName: "bot"})
		r.Deploy(deploy.Change{Before: before("a/b:v1")})
		r.Deploy(deploy.Taken{ID: "new", Previous: "old", Agent: &pipecat.Agent{}})
		r.Poll(poll.AgentSeen{Agent: &pipecat.Agent{CurrentRevision: &pipecat.Revision{DeploymentID: id, Health: &pipecat.Health{RestartCount: 3}}}})
		if got := strings.Contains(r.facts(verdict.Verdict{Status: verdict.Failed}), "| Restarts | 3 |"); got != want {
			t.Errorf("of %s: got %t", id, got)
		}
	}
}
