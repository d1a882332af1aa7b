// Pipecat-cloud-deploy puts a new version of a voice agent on Pipecat Cloud,
// waits until it serves, and says by its exit status whether it does.
//
// It is a GitHub Action (see action.yml), and runs by hand just as well:
// pipecat-cloud-deploy -h lists its flags.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"pipecat-cloud-deploy/crash"
	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/inputs"
	"pipecat-cloud-deploy/pipecat"
	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/summary"
	"pipecat-cloud-deploy/verdict"
)

// grace is how long the end of a stopped job may take: a runner kills it ten
// seconds after the first signal.
const grace = 1500 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process at once
		time.Sleep(grace)
		os.Exit(1) // something blocks, such as a log that nobody reads
	})
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads changes no verdict
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, http.DefaultTransport))
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer, transport http.RoundTripper) (code int) {
	report := summary.New(stdout, getenv)
	defer func() {
		if p := recover(); p != nil {
			v := broken(p)
			report.Broke()
			report.Finish(v)
			code = v.Status.ExitCode()
		}
	}()

	cfg, err := inputs.Load(args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		inputs.Usage(stdout)
		return 0
	}
	report.Begin(cfg)

	var v verdict.Verdict
	var problems inputs.Problems
	if errors.As(err, &problems) {
		report.Problems(problems)
		v = verdict.Verdict{Status: verdict.Failed, Reason: verdict.Inputs, Message: problems.Error()}
	} else if v, err = rollOut(ctx, cfg, transport, report); err != nil {
		v = verdict.Of(err)
		report.Explain(diagnose(v, cfg.Workspace, cfg.AgentProfile, nil))
	}
	report.Finish(v)
	return v.Status.ExitCode()
}

// rollOut makes the deployment that cfg asks for, and waits for its verdict.
func rollOut(ctx context.Context, cfg inputs.Config, transport http.RoundTripper, report *summary.Report) (verdict.Verdict, error) {
	// Up to the update, a read that fails is tried again a few times; waiting
	// goes on trying by itself.
	waiting := pipecat.Client{Base: cfg.APIURL, Key: string(cfg.APIKey), UserAgent: "pipecat-cloud-deploy", Transport: transport}
	api := waiting
	api.Retries, api.Retrying = 4, report.Retrying

	artefact, err := deploy.Resolve(ctx, &api, cfg, &waiting, report.Poll)
	if err != nil {
		return verdict.Verdict{}, err
	}
	change, err := deploy.Plan(ctx, &api, cfg, artefact)
	if err != nil {
		return verdict.Verdict{}, err
	}
	report.Deploy(change)
	if cfg.DryRun {
		return verdict.Verdict{Status: verdict.Planned}, nil
	}

	deadline := time.Now().Add(cfg.WaitTimeout)
	taken, err := deploy.Apply(ctx, &api, change, deadline, report.Deploy)
	if err != nil {
		return verdict.Verdict{}, err
	}
	report.Deploy(taken)

	if !cfg.WaitForReady {
		return taken.Verdict(verdict.Verdict{Status: verdict.Deployed}), nil
	}
	rollout := poll.Rollout{
		Agents:   &waiting,
		Name:     cfg.AgentName,
		Rules:    poll.Rules{Ours: taken.ID, Previous: taken.Previous, Made: taken.Agent.Made(), MaxRestarts: cfg.MaxRestarts, MinReady: cfg.MinReady, Warm: change.Warm},
		Deadline: deadline,
		Report:   report.Poll,
	}
	v := taken.Verdict(rollout.Wait(ctx))
	var log []pipecat.LogLine
	if ran(v.Reason) && cfg.LogLines > 0 {
		timed, cancel := context.WithTimeout(ctx, max(time.Second, time.Until(deadline)))
		defer cancel()
		log, err = waiting.Logs(timed, cfg.AgentName, taken.ID, cfg.LogLines)
		report.Logs(log, err)
	}
	report.Explain(diagnose(v, cfg.Workspace, cmp.Or(cfg.AgentProfile, taken.Agent.AgentProfile), log))
	return v, nil
}

// diagnose finds what broke, where in the workspace, and what to do about it. It
// changes no verdict, even if it breaks itself.
func diagnose(v verdict.Verdict, workspace, profile string, log []pipecat.LogLine) (d crash.Diagnosis) {
	defer func() { _ = recover() }()
	if v.Status != verdict.Failed && v.Status != verdict.TimedOut {
		return d
	}
	var files fs.FS
	if root, err := os.OpenRoot(cmp.Or(workspace, ".")); err == nil {
		defer root.Close()
		files = root.FS()
	}
	facts := crash.Facts{Text: cmp.Or(v.Detail, v.Message), ExitCode: v.Exit, Reason: v.Reason, Code: v.Code, Profile: profile}
	d = crash.Diagnose(facts, files)
	if d.Type == "" { // the platform may tell less than the agent
		var printed strings.Builder
		for _, l := range log {
			printed.WriteString(strings.TrimRight(l.Text, "\n") + "\n")
		}
		facts.Text = printed.String()
		if told := crash.Diagnose(facts, files); told.Type != "" {
			d = told
		}
	}
	return d
}

// ran reports whether a job is red for what the agent's code does, so that its
// log may say why.
func ran(r verdict.Reason) bool {
	return r == verdict.Crash || r == verdict.OutOfMemory || r == verdict.NotReady
}

// broken is the verdict when this program panics.
func broken(p any) verdict.Verdict {
	return verdict.Verdict{Status: verdict.Failed, Reason: verdict.API, Detail: string(debug.Stack()),
		Message: fmt.Sprintf("this action broke, which is its own fault and no verdict on the agent; look at the agent before you run it again, and report this: %v", p)}
}
