package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/scratch"
	"pipecat-cloud-deploy/internal/simulator"
)

// truth is a case of Truth: what a job asks for, what the platform answers, and what
// the job has to say.
type truth struct {
	name   string
	inputs map[string]string // beside the image v2 and a wait-timeout of 25 s; "-" takes one away

	before any            // see platform
	answer any            // to the first write; nil: d2 of v2, pending
	reads  timeline       // after it; nil: as before
	then   []write        // the writes after it
	others map[string]any // see platform
	dated  bool           // the case is about times, so that it is not played without

	status string   // "red" and "green" are any such; more than one by a blank
	reason string   // "" for any
	id     string   // of the deployment in the outputs; "" for any
	writes int      // -1 is any number; 0 is 1
	log    []string // texts that it has

	after, within time.Duration             // when the job ends
	check         func(*truthRun) (bad any) // what else holds; nil or "" when it does
}

// Truth plays documents against the program, which has to draw the right verdict
// from each: for every rule there are cases that must be red, and twins that must
// be green.
func Truth(t *testing.T, run Program) {
	t.Parallel()
	dir := scratch.Dir(t)
	for section, cases := range map[string][]truth{
		"ours": oursCases(), "stale": staleCases(), "restarts": restartCases(), "errors": errorCases(), "hold": holdCases(), "ready": readyCases(),
		"once": onceCases(), "creation": creationCases(), "evidence": evidenceCases(), "sets": setCases(), "check": checkCases(), "calls": callCases(),
	} {
		for _, c := range cases {
			t.Run(section+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				for _, undated := range []bool{false, true} {
					if undated && c.dated {
						continue
					}
					synctest.Test(t, func(t *testing.T) {
						r := c.play(t, run, dir, undated)
						for _, bad := range r.bad() {
							t.Errorf("without times %v: %s", undated, bad)
						}
						if t.Failed() {
							t.Logf("%s\noutputs %v\n%s", r.requests(), r.outputs, r.log)
						}
					})
				}
			})
		}
	}
	t.Run("at once", func(t *testing.T) { playAtOnce(t, run) })
	t.Run("once", func(t *testing.T) { playWire(t, run) })
}

// truthRun is a case that was played.
type truthRun struct {
	truth
	*platform
	code    int
	log     string
	outputs map[string]string
	took    time.Duration
}

func (c truth) play(t *testing.T, run Program, dir string, undated bool) *truthRun {
	p := &platform{before: c.before, others: c.others, undated: undated}
	if c.answer == nil {
		c.answer = pending(v2)
	}
	p.script = append([]write{{c.answer, c.reads}}, c.then...)
	r := &truthRun{truth: c, platform: p}
	began := time.Now()
	r.code, r.log, r.outputs = runTruth(t, run, dir, c.inputs, simulator.Transport(p))
	r.took = time.Since(began)
	synctest.Wait() // a request that was given up may still be on its way
	p.mu.Lock()
	defer p.mu.Unlock()
	return r
}

// runs counts the runs of runTruth, to name their files.
var runs atomic.Int64

// runTruth runs the program in a folder, which other runs may share, and returns what it
// logs and its outputs.
func runTruth(t *testing.T, run Program, dir string, inputs map[string]string, transport http.RoundTripper) (code int, text string, values map[string]string) {
	files := filepath.Join(dir, fmt.Sprint(runs.Add(1)))
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": dir, "GITHUB_OUTPUT": files + ".output", "GITHUB_STEP_SUMMARY": files + ".md",
		"INPUT_API-KEY": "sk_truth", "INPUT_AGENT-NAME": "demo-agent", "INPUT_IMAGE": v2, "INPUT_WAIT-TIMEOUT": "25"}
	for name, value := range inputs {
		if env["INPUT_"+strings.ToUpper(name)] = value; value == "-" {
			delete(env, "INPUT_"+strings.ToUpper(name))
		}
	}
	var log strings.Builder
	code = run(t.Context(), nil, environ(env), &log, &log, transport)
	values, err := outputs(t, env["GITHUB_OUTPUT"])
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(env["GITHUB_STEP_SUMMARY"])
	if err != nil || len(page) == 0 {
		t.Errorf("the page has %d bytes, %v", len(page), err)
	}
	if err := errors.Join(os.Remove(env["GITHUB_OUTPUT"]), os.Remove(env["GITHUB_STEP_SUMMARY"])); err != nil {
		t.Error(err)
	}
	return code, log.String(), values
}

var green = []string{"ready", "unchanged", "deployed", "planned", "checked"}

func (r *truthRun) bad() (bad []string) {
	hold := func(ok bool, format string, args ...any) {
		if !ok {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	status := r.outputs["status"]
	isGreen := slices.Contains(green, status)
	color := map[bool]string{true: "green", false: "red"}[isGreen]
	wanted := strings.Fields(r.status)
	hold(slices.Contains(wanted, status) || slices.Contains(wanted, color), "%s, want %s", status, r.status)
	hold((r.code == 0) == isGreen, "exit code %d, with %s", r.code, status)
	hold(r.reason == "" || r.outputs["failure-reason"] == r.reason, "failure-reason %s, want %s", r.outputs["failure-reason"], r.reason)
	hold(r.id == "" || r.outputs["deployment-id"] == r.id, "deployment-id %s, want %s", r.outputs["deployment-id"], r.id)
	writes := r.lines(sent.isWrite)
	hold(r.writes < 0 || len(writes) == max(1, r.writes), "%d writes, want %d", len(writes), max(1, r.writes))
	hold(r.took >= r.after, "ended after %s, want no earlier than %s", r.took, r.after)
	hold(r.within == 0 || r.took <= r.within, "ended after %s, want no later than %s", r.took, r.within)
	for _, text := range r.truth.log {
		hold(strings.Contains(r.log, text), "the log does not have %q", text)
	}

	// Whatever the case is: the agent is read between two writes, and after one that
	// did not clearly succeed.
	read := true
	for _, s := range r.sent {
		if s.isWrite() {
			hold(read, "a write without a read before it")
			read = false
		}
		read = read || s.isRead()
	}
	hold(read || isGreen, "the agent was not read after the last write")
	if r.check != nil {
		if found := r.check(r); found != nil && found != "" {
			bad = append(bad, fmt.Sprint(found))
		}
	}
	return bad
}

// asks holds that the last write asks for a text.
func asks(text string) func(*truthRun) any {
	return func(r *truthRun) any {
		last := ""
		for _, s := range r.sent {
			if s.isWrite() {
				last = s.body
			}
		}
		if !strings.Contains(last, text) {
			return fmt.Sprintf("the last write asks for %s, want %s", last, text)
		}
		return nil
	}
}

// inputs makes inputs of names and values in turn.
func inputs(nameValues ...string) map[string]string {
	all := map[string]string{}
	for i := 0; i < len(nameValues); i += 2 {
		all[nameValues[i]] = nameValues[i+1]
	}
	return all
}

// noImage is inputs without an image, unless they name one.
func noImage(nameValues ...string) map[string]string {
	all := inputs("image", "-")
	maps.Copy(all, inputs(nameValues...))
	return all
}
