// Package e2e tests the program as a whole. Its suites are given the program, so
// that main_test.go has little more than their names.
package e2e

import (
	"context"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/simulator/bots"
	"pipecat-cloud-deploy/internal/verdict"
)

var update = flag.Bool("update", false, "write what is into the scripts' golden files")

// Program is the program, every input of it given: see main.go.
type Program func(ctx context.Context, args, environ []string, stdout, stderr io.Writer, transport http.RoundTripper) int

// environ are variables as a process has them.
func environ(variables map[string]string) (texts []string) {
	for name, value := range variables {
		texts = append(texts, name+"="+value)
	}
	return texts
}

// scripts is the folder of the scripts, in the repository's root, where the
// suites run.
const scripts = "internal/e2e/testdata/script"

// Main runs the tests of a package. Those that start the program as a process
// find it in their PATH.
func Main(m *testing.M, program func()) {
	// Most suites wait for a process rather than for a processor. A flag on the
	// command line, which is read later, wins.
	testing.Init()
	_ = flag.Set("test.parallel", "8")
	testscript.Main(cleaning{m}, map[string]func(){"pipecat-cloud-deploy": program, "has-roots": hasRoots})
}

// cleaning removes the program that built has made, once the tests are over.
type cleaning struct{ *testing.M }

func (c cleaning) Run() int {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a third of the search's time would be for garbage
	defer func() {
		if dir, err := builtDir(); err == nil {
			_ = os.RemoveAll(dir)
		}
	}()
	return c.M.Run()
}

// builtDir is the folder of the program that these tests build.
var builtDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "pipecat-cloud-deploy-*") })

// hasRoots fails unless the process trusts a certificate authority.
func hasRoots() {
	if pool, err := x509.SystemCertPool(); err != nil || pool.Equal(x509.NewCertPool()) {
		os.Exit(1)
	}
}

// Scripts runs testdata/script: the action as a user meets it, each script
// with its own Pipecat Cloud and in virtual time. The commands beyond
// testscript's own are in commands.
func Scripts(t *testing.T, run Program) {
	files, err := filepath.Glob(scripts + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				testscript.RunT(bubble{t}, testscript.Params{
					Files:         []string{file},
					UpdateScripts: *update,
					Setup:         func(env *testscript.Env) error { return setUp(env, run) },
					Cmds:          commands,
				})
			})
		})
	}
}

// bubble is a testing.T whose subtests stay in its bubble of virtual time.
type bubble struct{ *testing.T }

func (bubble) Parallel()                              {}
func (b bubble) Run(_ string, f func(t testscript.T)) { f(b) }
func (bubble) Verbose() bool                          { return testing.Verbose() }

// world is what a script's commands share.
type world struct {
	run         Program
	cloud       *simulator.Cloud
	honest      http.Handler // the cloud, held to its contract
	api         http.Handler // the same with faults around it
	cancelAfter time.Duration
	strange     []string // inputs that were set and that the action does not have
}

func setUp(env *testscript.Env, run Program) error {
	for _, v := range []string{
		"GITHUB_ACTIONS=true", "GITHUB_WORKSPACE=" + env.WorkDir,
		"GITHUB_OUTPUT=" + env.WorkDir + "/output", "GITHUB_STEP_SUMMARY=" + env.WorkDir + "/summary.md",
		"INPUT_API-KEY=sk_test_0123456789", "INPUT_AGENT-NAME=demo-agent",
	} {
		name, value, _ := strings.Cut(v, "=")
		env.Setenv(name, value)
	}
	w := &world{run: run, cloud: &simulator.Cloud{Key: "sk_test_0123456789"}}
	t := env.T().(bubble)
	api, err := simulator.Contract(w.cloud, func(err error) { t.Errorf("contract: %v", err) })
	w.honest, w.api = api, api
	env.Values["world"] = w
	return err
}

// environ is what the script's environment says of an action's step.
func (w *world) environ(getenv func(string) string) (texts []string) {
	for _, name := range []string{"GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_SERVER_URL",
		"GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_REF_TYPE", "GITHUB_REF_NAME", "GITHUB_RUN_ID", "RUNNER_TEMP"} {
		texts = append(texts, name+"="+getenv(name))
	}
	for _, in := range config.Table() {
		for _, name := range []string{"INPUT_" + strings.ToUpper(in.Name), in.Variable} {
			texts = append(texts, name+"="+getenv(name))
		}
	}
	return append(texts, w.strange...)
}

// buildWrites selects the requests that make a build.
func buildWrites(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/v1/builds"
}

// logs selects the requests for an agent's log.
func logs(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/logs") }

// token is that of ::stop-commands::, which is another one each time.
var token = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)

var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// deploy [FLAG…] runs the program; ! says that the job is to be red.
	"deploy": func(ts *testscript.TestScript, neg bool, args []string) {
		w := ts.Value("world").(*world)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if w.cancelAfter > 0 {
			defer time.AfterFunc(w.cancelAfter, cancel).Stop()
		}
		var stdout, stderr strings.Builder
		code := w.run(ctx, args, w.environ(ts.Getenv), &stdout, &stderr, simulator.Transport(w.api))
		fmt.Fprint(ts.Stdout(), token.ReplaceAllString(stdout.String(), "TOKEN"))
		fmt.Fprint(ts.Stderr(), token.ReplaceAllString(stderr.String(), "TOKEN"))
		if code != 0 && code != 1 || (code == 1) != neg {
			ts.Fatalf("exit code %d", code)
		}
	},

	// strange NAME VALUE sets an input that the action does not have.
	"strange": func(ts *testscript.TestScript, _ bool, args []string) {
		w := ts.Value("world").(*world)
		w.strange = append(w.strange, "INPUT_"+strings.ToUpper(args[0])+"="+args[1])
	},

	// cloud agent NAME REGION IMAGE | tag TAG SCRIPT | build ID [k=v…] |
	// secrets NAME [k=v…] | stored [after=DURATION] [error=TEXT] | laggy DURATION makes
	// the cloud what the script needs. Stored is how sets that are written are
	// provisioned.
	"cloud": func(ts *testscript.TestScript, _ bool, args []string) {
		cloud := ts.Value("world").(*world).cloud
		set := map[string]string{}
		for _, arg := range args[1:] {
			if k, v, ok := strings.Cut(arg, "="); ok {
				set[k] = v
			}
		}
		after, _ := time.ParseDuration(set["after"])
		switch args[0] {
		case "agent":
			cloud.AddAgent(args[1], args[2], args[3])
		case "tag":
			s, ok := simulator.ScriptOf(args[2])
			if !ok {
				ts.Fatalf("there is no script %s", args[2])
			}
			if cloud.Scripts == nil {
				cloud.Scripts = map[string]simulator.Script{}
			}
			cloud.Scripts[args[1]] = s
		case "build":
			cloud.AddBuild(simulator.Build{ID: args[1], Status: set["status"], Region: set["region"], Error: set["error"], Script: set["script"], After: after})
		case "secrets":
			cloud.AddSecretSet(simulator.SecretSet{Name: args[1], Region: set["region"], Status: set["status"], Pull: set["pull"] == "true", After: after})
		case "stored":
			cloud.SecretsAfter, cloud.SecretsError = after, set["error"]
		case "calls":
			cloud.Calls = &bots.Switchboard{Twilio: set["as"] == "twilio"}
			cloud.PublicKey = "pk_test_0123456789"
			cloud.Busy, _ = strconv.Atoi(set["busy"])
			cloud.OldTakes, _ = strconv.Atoi(set["old"])
			cloud.ShowWebsocketAuth = true
		case "laggy":
			d, err := time.ParseDuration(args[1])
			ts.Check(err)
			cloud.ReadLag = d
		default:
			ts.Fatalf("cloud %s is not known", args[0])
		}
	},

	// fault reads|writes|logs|bucket|builds FROM TO lost|half|hang|STATUS [BODY [HEADER=VALUE]]
	// strikes the FROM-th to the TO-th request from now on; a TO of 0 is no end.
	// fault none ends them all.
	"fault": func(ts *testscript.TestScript, _ bool, args []string) {
		w := ts.Value("world").(*world)
		if args[0] == "none" {
			w.api = w.honest
			return
		}
		which := map[string]simulator.When{"reads": simulator.Reads, "writes": simulator.Writes, "logs": logs, "bucket": simulator.IsUpload, "builds": buildWrites}[args[0]]
		from, err := strconv.ParseInt(args[1], 10, 64)
		ts.Check(err)
		to, err := strconv.ParseInt(args[2], 10, 64)
		ts.Check(err)
		when := simulator.Between(from, to, which)
		switch args[3] {
		case "lost":
			w.api = simulator.Lossy(w.api, when, false)
		case "half":
			w.api = simulator.Lossy(w.api, when, true)
		case "hang":
			w.api = simulator.Hang(w.api, when)
		default:
			status, err := strconv.Atoi(args[3])
			ts.Check(err)
			header, body := http.Header{}, ""
			if len(args) > 4 {
				body = args[4]
			}
			if len(args) > 5 {
				name, value, _ := strings.Cut(args[5], "=")
				header.Set(name, value)
			}
			w.api = simulator.Answer(w.api, when, status, header, body)
		}
	},

	// cancel-after DURATION cancels the deployments that follow, so long after they start.
	"cancel-after": func(ts *testscript.TestScript, _ bool, args []string) {
		d, err := time.ParseDuration(args[0])
		ts.Check(err)
		ts.Value("world").(*world).cancelAfter = d
	},

	// input NAME FILE sets an input to what a file has, lines and all.
	"input": func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Setenv("INPUT_"+strings.ToUpper(args[0]), ts.ReadFile(args[1]))
	},

	// callers NAME COUNT [every=DURATION] [lasts=DURATION] [status=STATUS] [prints=TEXT]
	// has real callers call an agent from now on. They call at odd times, at which nothing
	// else happens.
	"callers": func(ts *testscript.TestScript, _ bool, args []string) {
		cloud, caller := ts.Value("world").(*world).cloud, simulator.Caller{}
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		var every time.Duration
		for _, arg := range args[2:] {
			switch k, v, _ := strings.Cut(arg, "="); k {
			case "every":
				every, err = time.ParseDuration(v)
			case "lasts":
				caller.Lasts, err = time.ParseDuration(v)
			case "status":
				caller.Status = v
			case "prints":
				caller.Prints = append(caller.Prints, v)
			default:
				ts.Fatalf("a caller has no %s", k)
			}
			ts.Check(err)
		}
		for i := range n {
			time.AfterFunc(time.Duration(i+1)*every+time.Millisecond, func() { cloud.Dial(args[0], caller) })
		}
	},

	// deployments NAME N says how many deployments the agent is to have had.
	"deployments": func(ts *testscript.TestScript, _ bool, args []string) {
		got := len(ts.Value("world").(*world).cloud.Deployments(args[0]))
		if fmt.Sprint(got) != args[1] {
			ts.Fatalf("%s has had %d deployments, want %s", args[0], got, args[1])
		}
	},

	// secrets NAME prints the values that were put into a secret set, and its region.
	"secrets": func(ts *testscript.TestScript, _ bool, args []string) {
		set := ts.Value("world").(*world).cloud.SecretSet(args[0])
		for _, key := range slices.Sorted(maps.Keys(set.Values)) {
			fmt.Fprintf(ts.Stdout(), "%s=%q\n", key, set.Values[key])
		}
		fmt.Fprintf(ts.Stdout(), "%q in %q\n", set.Keys, set.Region)
	},

	// uploads N says how many build contexts the bucket has taken, and prints what
	// is in the last.
	"uploads": func(ts *testscript.TestScript, _ bool, args []string) {
		all := ts.Value("world").(*world).cloud.Uploads()
		if fmt.Sprint(len(all)) != args[0] {
			ts.Fatalf("%d uploads, want %s", len(all), args[0])
		}
		if len(all) > 0 {
			fmt.Fprintln(ts.Stdout(), strings.Join(all[len(all)-1].Names, "\n"))
		}
	},

	// vanish DURATION makes the records of all builds vanish, so long after now.
	"vanish": func(ts *testscript.TestScript, _ bool, args []string) {
		after, err := time.ParseDuration(args[0])
		ts.Check(err)
		cloud := ts.Value("world").(*world).cloud
		time.AfterFunc(after, func() {
			for _, b := range cloud.Builds() {
				cloud.RemoveBuild(b.ID)
			}
		})
	},

	// outputs reads $GITHUB_OUTPUT as the runner does, and prints NAME=VALUE lines.
	"outputs": func(ts *testscript.TestScript, _ bool, _ []string) {
		values, err := ghatest.Outputs(ts.ReadFile(ts.Getenv("GITHUB_OUTPUT")))
		ts.Check(err)
		ts.Check(os.Remove(ts.Getenv("GITHUB_OUTPUT")))
		names := make([]string, 0, len(values))
		for name := range values {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Fprintf(ts.Stdout(), "%s=%s\n", name, values[name])
		}
	},
}

// outputs reads an output file as the runner does.
func outputs(t *testing.T, file string) (map[string]string, error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return ghatest.Outputs(string(data))
}

// Goldens holds that for every status a script has the summary that it writes.
func Goldens(t *testing.T) {
	var summaries strings.Builder
	files, err := filepath.Glob(scripts + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.Contains(string(archive.Comment), "cmp summary.md "+f.Name+"\n") {
				summaries.Write(f.Data)
			}
		}
	}
	for _, s := range verdict.Statuses() {
		if !strings.Contains(summaries.String(), "| Status | `"+string(s)+"` |") {
			t.Errorf("no script has the summary of %s", s)
		}
	}
}

// breaking is a network that makes the program panic, with the key in its words.
type breaking struct{}

func (breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	panic("boom: " + r.Header.Get("Authorization"))
}

// breakingLog is a log whose first writing makes the program panic, with breaks as
// its words; where that is empty none does.
type breakingLog struct {
	strings.Builder
	breaks string
}

func (l *breakingLog) Write(p []byte) (int, error) {
	if words := l.breaks; words != "" {
		l.breaks = ""
		panic(words)
	}
	return l.Builder.Write(p)
}

// Panic holds that a fault of our own, wherever it is, ends as any failure
// does: with a message and outputs, in red, and without the key.
func Panic(t *testing.T, run Program) {
	t.Parallel()
	for _, where := range []string{"the network", "the log"} {
		t.Run(where, func(t *testing.T) {
			output := filepath.Join(t.TempDir(), "output")
			env := map[string]string{"INPUT_API-KEY": "sk_secret", "INPUT_AGENT-NAME": "demo-agent", "INPUT_IMAGE": "a:b", "GITHUB_OUTPUT": output}
			var log breakingLog
			if where == "the log" {
				log.breaks = "boom: " + env["INPUT_API-KEY"]
			}
			code := run(t.Context(), nil, environ(env), &log, &log, breaking{})
			values, err := outputs(t, output)
			if code != 1 || err != nil || values["status"] != "failed" || values["failure-reason"] != "internal" || !strings.Contains(log.String(), "internal error in this action (not your agent)") {
				t.Errorf("exit code %d, outputs %v, %v\n%s", code, values, err, log.String())
			}
			if strings.Contains(log.String()+values["failure-message"], "sk_secret") {
				t.Errorf("shows the key:\n%s", log.String())
			}
		})
	}
}

// PanicAfterSending holds that no message says that nothing was changed when
// the program breaks over the update's answer.
func PanicAfterSending(t *testing.T, run Program) {
	t.Parallel()
	cloud := &simulator.Cloud{}
	cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
	reach := simulator.Transport(cloud)
	network := roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := reach.RoundTrip(r)
		if r.Method == http.MethodPost {
			panic("boom")
		}
		return resp, err
	})
	env := map[string]string{"INPUT_API-KEY": "sk_secret", "INPUT_AGENT-NAME": "demo-agent", "INPUT_IMAGE": "a:b"}
	var log strings.Builder
	code := run(t.Context(), nil, environ(env), &log, &log, network)
	if code != 1 || len(cloud.Deployments("demo-agent")) != 2 || strings.Contains(log.String(), "nothing was changed") {
		t.Errorf("exit code %d\n%s", code, log.String())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// DeadLog runs the process with a log that nobody reads: it still ends by
// itself, with its outputs.
func DeadLog(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	output := filepath.Join(t.TempDir(), "output")
	job := exec.Command("pipecat-cloud-deploy")
	job.Env = []string{"INPUT_API-KEY=sk", "INPUT_IMAGE=untagged", "GITHUB_OUTPUT=" + output}
	job.Stdout = writer
	_ = job.Run()
	writer.Close()
	values, err := outputs(t, output)
	if code := job.ProcessState.ExitCode(); code != 1 || err != nil || values["status"] != "failed" {
		t.Errorf("%s, outputs %v, %v; want exit code 1 and status failed", job.ProcessState, values, err)
	}
}

// syncLog is what a process has printed so far.
type syncLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *syncLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *syncLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
