package simulator

import (
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// Script is how a deployment goes. Until its first frame, the operator has not
// looked at it.
type Script struct {
	Name   string // also the image's tag that picks it
	Text   string // what it shows
	Frames []Frame

	supersededAfter time.Duration
}

// Frame is what an agent's document shows of a deployment from a time on.
type Frame struct {
	At             time.Duration // since the deployment was made
	Phase          string        // empty: the operator has not looked, or has gone back to the deployment before
	Ready          bool
	Unavailable    bool // it is ready, and takes no calls
	ActiveReady    bool // the deprecated activeDeploymentReady is true, whatever ready is
	RevisionBefore bool // currentRevision is still that of the deployment before
	Replicas       int  // that are ready when it is; 0: as many as are kept warm
	Health         *pipecat.Health
	Errors         []pipecat.AgentError
	Condition      *pipecat.Condition
	Infrastructure bool
	Log            string // what the agent prints at this time
}

// serves reports whether a deployment takes calls: it is ready, and no replica is
// shown that crashes again and again, or cannot start.
func (f Frame) serves() bool {
	if f.Phase == "" || !f.Ready || f.Unavailable {
		return false
	}
	return f.RevisionBefore || !strings.EqualFold(f.Phase, pipecat.Failed) && (f.Health == nil || !slices.ContainsFunc(failing, func(reason string) bool {
		return strings.EqualFold(reason, f.Health.Reason)
	}))
}

// failing are the reasons of a replica that does not run.
var failing = []string{"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}

// at is the frame that shows at a time; the zero Frame before the first.
func (s Script) at(t time.Duration) (f Frame) {
	for _, next := range s.Frames {
		if next.At > t {
			break
		}
		f = next
	}
	return f
}

// Serves reports whether a deployment takes calls in the end.
func (s Script) Serves() bool {
	return s.supersededAfter == 0 && len(s.Frames) > 0 && s.Frames[len(s.Frames)-1].serves()
}

// ScriptOf finds a script by its name.
func ScriptOf(name string) (Script, bool) {
	for _, s := range Scripts() {
		if s.Name == name {
			return s, true
		}
	}
	return Script{}, false
}

const (
	traceback = `Traceback (most recent call last):
  File "/app/bot.py", line 12, in <module>
    from pipecat.services.deepgram.stt import DeepgramSTTServce
ImportError: cannot import name 'DeepgramSTTServce' from 'pipecat.services.deepgram.stt' (/usr/local/lib/python3.12/site-packages/pipecat/services/deepgram/stt.py)
`
	startup = "INFO:     Started server process [1]\nINFO:     Application startup complete.\nINFO:     Uvicorn running on http://0.0.0.0:8080\n"
	// hostile tries what a crash message should not get away with.
	hostile = "Traceback (most recent call last):\n" +
		"  ::error file=main.go,line=1::forged\n" +
		"\x1b]0;owned\x07\x1b[2Jtext ##[error]forged too\r::set-output name=status::ready\n" +
		"````\n</details><img src=x onerror=alert(1)>\n[click](https://example.com) @everyone\n" +
		"RuntimeError: ::warning::forged ``` `x` | <b>bold</b>\n"
)

// Scripts lists every script, in the order in which the demo does.
func Scripts() []Script {
	const s = time.Second
	var (
		creating  = Frame{At: 900 * time.Millisecond, Phase: pipecat.Creating}
		starting  = Frame{At: 3 * s, Phase: pipecat.Validating, Health: running(false, 0), Log: startup}
		active    = Frame{At: 6 * s, Phase: pipecat.Active, Ready: true, Health: running(true, 0)}
		at        = func(t time.Duration, f Frame) Frame { f.At = t; return f }
		validates = func(t time.Duration, h *pipecat.Health, log string) Frame {
			return Frame{At: t, Phase: pipecat.Validating, Health: h, Log: log}
		}
		fails = func(t time.Duration, code, message string) Frame {
			return Frame{At: t, Phase: pipecat.Failed, Errors: []pipecat.AgentError{{Code: code, Message: message}}}
		}
		creates = func(t time.Duration, reason, message string) Frame {
			return Frame{At: t, Phase: pipecat.Creating, Health: &pipecat.Health{State: "waiting", ReplicasStarted: 1, Reason: reason, Message: message}}
		}
		// crashing exits three times, with longer and longer breaks.
		crashing = func(reason string, code int, message string) []Frame {
			return []Frame{creating,
				validates(3*s, running(false, 0), message),
				validates(4*s, exited("terminated", reason, reason, 0, code, message), ""),
				validates(5*s, running(false, 1), message),
				validates(6*s, exited("waiting", "CrashLoopBackOff", reason, 1, code, message), ""),
				validates(16*s, exited("waiting", "CrashLoopBackOff", reason, 2, code, message), message),
				validates(36*s, exited("waiting", "CrashLoopBackOff", reason, 3, code, message), message),
			}
		}
	)
	return []Script{
		{Name: "ok", Text: "ready after 6 seconds", Frames: []Frame{creating, starting, active}},
		{Name: "slow", Text: "a large image: ready after 45 seconds", Frames: []Frame{creating, at(38*s, starting), at(45*s, active)}},
		{Name: "crash", Text: "the code cannot be imported, and exits", Frames: crashing("Error", 1, traceback)},
		{Name: "oom", Text: "runs out of memory", Frames: crashing("OOMKilled", 137, "")},
		{Name: "missing", Text: "the image does not exist", Frames: []Frame{creating,
			fails(4*s, "PCC_IMAGE_NOT_FOUND", "Image not found. Check the image name and tag.")}},
		{Name: "wrong-arch", Text: "the image is for another processor", Frames: []Frame{creating,
			fails(4*s, "PCC_INVALID_IMAGE_PLATFORM", "The image is not built for linux/arm64.")}},
		{Name: "pull", Text: "the image cannot be pulled, again and again", Frames: []Frame{creating,
			creates(3*s, "ErrImagePull", "unauthorized: authentication required"),
			creates(8*s, "ImagePullBackOff", "Back-off pulling image: unauthorized: authentication required")}},
		{Name: "hiccup", Text: "the registry hiccups, and all is well", Frames: []Frame{creating,
			creates(3*s, "ErrImagePull", "503 Service Unavailable"), at(13*s, starting), at(16*s, active)}},
		{Name: "config", Text: "the container cannot be set up", Frames: []Frame{creating,
			creates(3*s, "CreateContainerConfigError", `secret "bot-secrets" not found`)}},
		{Name: "degraded", Text: "the platform gives the revision up", Frames: []Frame{creating,
			{At: 5 * s, Phase: pipecat.Failed, Condition: &pipecat.Condition{Type: "Degraded", Status: "True", Reason: "ImageResolutionFailed", Message: "Failed to resolve image tag"}}}},
		{Name: "flaky", Text: "crashes once, which is forgiven", Frames: []Frame{creating, starting,
			validates(4*s, exited("terminated", "Error", "Error", 0, 1, traceback), traceback),
			validates(5*s, running(false, 1), startup), {At: 8 * s, Phase: pipecat.Active, Ready: true, Health: running(true, 1)}}},
		{Name: "flapping", Text: "ready, then not, then for good", Frames: []Frame{creating, starting, at(5*s, active), at(8*s, starting), at(14*s, active)}},
		{Name: "cold", Text: "ready with one replica, and warm after 20 seconds", Frames: []Frame{creating, starting,
			{At: 6 * s, Phase: pipecat.Active, Ready: true, Health: running(true, 0), Replicas: 1}, at(20*s, active)}},
		{Name: "stuck", Text: "runs, but never becomes ready", Frames: []Frame{creating, starting}},
		{Name: "never", Text: "no replica is ever started", Frames: []Frame{creating}},
		{Name: "infrastructure", Text: "the platform has an infrastructure problem", Frames: []Frame{creating,
			{At: 3 * s, Phase: pipecat.Validating, Health: running(false, 0), Infrastructure: true}}},
		{Name: "superseded", Text: "someone else deploys during the rollout", Frames: []Frame{creating, starting}, supersededAfter: 4 * s},
		{Name: "hostile", Text: "the crash's text attacks the log and the summary", Frames: crashing("Error", 1, hostile)},
		{Name: "tomorrow", Text: "phases and words that are new", Frames: []Frame{
			{At: s, Phase: "Warming", Health: &pipecat.Health{State: "hibernating", Reason: "QuantumFluctuation", ReplicasStarted: 1}}, active}},
	}
}

func running(ready bool, restarts int) *pipecat.Health {
	return &pipecat.Health{Ready: ready, State: "running", RestartCount: &restarts, ReplicasStarted: 1}
}

func exited(state, reason, last string, restarts, code int, message string) *pipecat.Health {
	return &pipecat.Health{State: state, Reason: reason, LastTerminationReason: last, LastExitCode: &code,
		RestartCount: &restarts, ReplicasStarted: 1, Message: message}
}
