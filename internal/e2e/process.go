//go:build unix

package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/scratch"
	"pipecat-cloud-deploy/internal/simulator"
)

// process is the real process, as a runner starts it.
type process struct {
	*exec.Cmd
	dir string
	log *syncLog
}

// start starts a job that deploys demo-agent over an API; env has more inputs.
func start(t *testing.T, api http.Handler, env ...string) *process {
	return startAs(t, exec.Command("pipecat-cloud-deploy"), api, env...)
}

// startAs starts it as another program than these tests, which are several
// times as large.
func startAs(t *testing.T, program *exec.Cmd, api http.Handler, env ...string) *process {
	t.Helper()
	j := preparedAs(t, program, api, env...)
	j.begin(t)
	return j
}

// prepared is a process that is yet to begin.
func prepared(t *testing.T, api http.Handler, env ...string) *process {
	return preparedAs(t, exec.Command("pipecat-cloud-deploy"), api, env...)
}

func preparedAs(t *testing.T, program *exec.Cmd, api http.Handler, env ...string) *process {
	server := httptest.NewServer(api)
	t.Cleanup(server.CloseClientConnections)
	dir := scratch.Dir(t)
	j := &process{Cmd: program, dir: dir, log: &syncLog{}}
	j.Env = append([]string{
		"GITHUB_ACTIONS=true", "GITHUB_WORKSPACE=" + dir, "GITHUB_OUTPUT=" + dir + "/output", "GITHUB_STEP_SUMMARY=" + dir + "/summary",
		"INPUT_API-KEY=" + searchKey, "INPUT_AGENT-NAME=demo-agent", "INPUT_API-URL=" + server.URL,
	}, env...)
	j.Stdout, j.Stderr = j.log, j.log
	return j
}

func (j *process) begin(t *testing.T) {
	t.Helper()
	if err := j.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Process.Kill() })
}

// put writes a file, and makes the folders that it is in.
func put(t *testing.T, dir, name string, data []byte) {
	name = filepath.Join(dir, name)
	err := os.WriteFile(name, data, 0o644)
	if os.IsNotExist(err) {
		if err = os.MkdirAll(filepath.Dir(name), 0o755); err == nil {
			err = os.WriteFile(name, data, 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// built is the program, built once.
func built(t *testing.T) string {
	t.Helper()
	program, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

var buildOnce = sync.OnceValues(func() (string, error) {
	dir, err := builtDir()
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "pipecat-cloud-deploy")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// hangs is when a process is given up. How fast it is decides nothing here, because
// the machine may be busy: the search holds in virtual time how soon a job ends.
const hangs = time.Minute

// end waits until the process has ended, and kills one that hangs.
func (j *process) end(t *testing.T) {
	t.Helper()
	hung := time.AfterFunc(hangs, func() { _ = j.Process.Kill() })
	_ = j.Wait()
	if !hung.Stop() {
		t.Fatalf("it does not end:\n%s", j.log)
	}
}

func (j *process) read(name string) string {
	data, _ := os.ReadFile(filepath.Join(j.dir, name))
	return string(data)
}

// Cancelled stops the process at each stage, in each way that a runner or a
// terminal does: it ends by itself, in red, and says what continues without it.
func Cancelled(t *testing.T) {
	t.Parallel()
	reads, writes, between := simulator.Reads, simulator.Writes, simulator.Between
	const (
		nothing = "the job was stopped before anything was changed"
		refused = "the job was stopped before the platform accepted the update, so nothing was deployed"
		perhaps = "the job was stopped while the update was under way; it may have been accepted"
		goesOn  = "its rollout continues without it"
		image   = "INPUT_IMAGE=ghcr.io/acme/bot:stuck"
		build   = "INPUT_BUILD-ID=" + searchBuild
		undo    = "INPUT_IMAGE=ghcr.io/acme/bot:missing INPUT_ROLLBACK-ON-FAILURE=true"
	)
	sample, err := filepath.Abs("cmd/demo/agent")
	if err != nil {
		t.Fatal(err)
	}
	source := "INPUT_CLOUD-BUILD=true GITHUB_WORKSPACE=" + sample
	const uploads = "the job was stopped while it uploaded the build context or asked for the build, so nothing was deployed"
	to := func(method, path string) simulator.When {
		return func(r *http.Request) bool { return r.Method == method && strings.HasPrefix(r.URL.Path, path) }
	}
	later := http.Header{"Retry-After": {"30"}}
	for _, tt := range []struct {
		stage, what string
		fault       func(cloud http.Handler, reach func(simulator.When) simulator.When) http.Handler
		says        string
		taken       bool // the deployment's id is known
	}{
		{"reading", image, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(between(1, 1, reads)))
		}, nothing, false},
		{"between two tries", image, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Answer(c, reach(between(1, 1, reads)), 503, later, "")
		}, nothing, false},
		{"reading the build", build, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(between(1, 1, reads)))
		}, nothing, false},
		{"waiting for the build", build, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Delay(c, reach(between(3, 3, reads)), 0)
		}, nothing, false},
		{"sending", image, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(writes))
		}, perhaps, false},
		{"sending what is taken", image, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Delay(c, reach(writes), time.Hour)
		}, perhaps, false},
		{"held off", image, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Answer(c, reach(writes), 409, later, `{"error":"not yet ready"}`)
		}, "the job was stopped", false}, // the answer may not have arrived yet
		{"looking for a lost update", image, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(simulator.Lossy(c, writes, false), reach(between(2, 2, reads)))
		}, perhaps, false},
		{"looking", image, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(between(2, 2, reads)))
		}, goesOn, true},
		{"waiting", image, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Delay(c, reach(between(3, 3, reads)), 0)
		}, goesOn, true},
		{"looking for an equal build", source, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(to(http.MethodGet, "/v1/builds")))
		}, nothing, false},
		{"asking where to upload", source, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(to(http.MethodPost, "/v1/builds/upload-url")))
		}, uploads, false},
		{"uploading", source, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(simulator.IsUpload))
		}, uploads, false},
		{"asking for the build", source, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(buildWrites))
		}, uploads, false},
		{"building", source, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Hang(c, reach(to(http.MethodGet, "/v1/builds/")))
		}, "the build continues, and nothing was deployed", false},
		{"reading before the rollback", undo, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			var failed atomic.Bool
			watched := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				recorder := httptest.NewRecorder()
				c.ServeHTTP(recorder, r)
				if strings.Contains(recorder.Body.String(), "PCC_IMAGE_NOT_FOUND") {
					failed.Store(true)
				}
				w.WriteHeader(recorder.Code)
				_, _ = w.Write(recorder.Body.Bytes())
			})
			return simulator.Hang(watched, reach(func(r *http.Request) bool { return failed.Load() && reads(r) }))
		}, "the job was stopped before the platform accepted the rollback, so deployment ", true},
		{"sending the rollback", undo, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			return simulator.Delay(c, reach(between(2, 2, writes)), time.Hour)
		}, "the job was stopped while the rollback was under way; it may have been accepted", true},
		{"waiting for the rollback", undo, func(c http.Handler, reach func(simulator.When) simulator.When) http.Handler {
			var sent atomic.Int64
			return simulator.Hang(c, reach(func(r *http.Request) bool {
				if writes(r) {
					sent.Add(1)
				}
				return reads(r) && sent.Load() == 2
			}))
		}, "the job was stopped while it rolled back; the rollback, deployment ", true},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
			t.Run(tt.stage+", "+sig.String(), func(t *testing.T) {
				t.Parallel()
				missing, _ := simulator.ScriptOf("missing")
				for i := range missing.Frames {
					missing.Frames[i].At = time.Duration(i+1) * 10 * time.Millisecond // of real time
				}
				cloud := &simulator.Cloud{Key: searchKey, Scripts: map[string]simulator.Script{"missing": missing}}
				cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
				cloud.AddBuild(simulator.Build{ID: searchBuild, After: time.Hour})
				reached := make(chan struct{})
				var once sync.Once
				j := start(t, tt.fault(cloud, func(when simulator.When) simulator.When {
					return func(r *http.Request) bool {
						strikes := when(r)
						if strikes {
							once.Do(func() { close(reached) })
						}
						return strikes
					}
				}), strings.Fields(tt.what)...)
				select {
				case <-reached:
				case <-time.After(hangs):
					t.Fatalf("the stage is not reached:\n%s", j.log)
				}
				_ = j.Process.Signal(sig)
				j.end(t)
				if j.ProcessState.ExitCode() != 1 {
					t.Errorf("%s\n%s", j.ProcessState, j.log)
				}
				values, err := outputs(t, filepath.Join(j.dir, "output"))
				if err != nil || values["status"] != "cancelled" || values["failure-reason"] != "cancelled" || !strings.Contains(values["failure-message"], tt.says) {
					t.Errorf("outputs %v, %v; want cancelled, as %s", values, err, tt.says)
				}
				ids := cloud.Deployments("demo-agent")
				if id := values["deployment-id"]; tt.taken != (len(ids) > 1 && id == ids[1]) || !tt.taken && id != "" {
					t.Errorf("deployment-id %q of %q", id, ids)
				}
				if page := j.read("summary"); !strings.Contains(page, tt.says) || !strings.Contains(j.log.String(), tt.says) {
					t.Errorf("neither the summary nor the log may leave out %q:\n%s\n%s", tt.says, page, j.log)
				}
			})
		}
	}
}

var memoryFor = flag.Duration("memory", 0, "the least length of the rollout in which the suite Memory measures the process")

// memoryLooks is how many reads of the agent Memory answers at least: each kind of
// response comes twice.
const memoryLooks = 8

// Memory measures the process over a rollout whose reads get responses without an
// end, and megabytes of a crash's output.
//
//	go test -run Memory . -v -args -memory 30m
func Memory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	t.Parallel()
	cloud := &simulator.Cloud{Key: searchKey}
	cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
	output := strings.Repeat("Traceback (most recent call last):\n", 7<<20/40)
	began := time.Now()
	var (
		job     *process
		started = make(chan struct{})
		mu      sync.Mutex
		looks   int
		peak    int // KiB; not the rusage's, which begins with what these tests take
	)
	// revision is a document of the newest deployment.
	revision := func(ready bool, phase, message string) map[string]any {
		id := cloud.Deployments("demo-agent")[1]
		return map[string]any{
			"name": "demo-agent", "ready": ready, "desiredDeploymentId": id, "reconciledDeploymentId": id,
			"currentRevision": map[string]any{"deploymentID": id, "phase": phase, "readyReplicas": 1, "health": map[string]any{"ready": ready, "state": "running", "message": message}},
		}
	}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-started
		// The process waits for the response, so it is there to be measured.
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", job.Process.Pid))
		mu.Lock()
		if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
			_, _ = fmt.Sscan(rest, &peak)
		}
		deployed := len(cloud.Deployments("demo-agent")) > 1
		if deployed {
			looks++
		}
		n := looks
		mu.Unlock()
		switch {
		case !deployed:
			cloud.ServeHTTP(w, r)
		case n > memoryLooks && time.Since(began) >= *memoryFor:
			_ = json.NewEncoder(w).Encode(revision(true, "Active", ""))
		case n%4 == 0:
			simulator.Endless(cloud, always).ServeHTTP(w, r)
		case n%4 == 1:
			w.WriteHeader(http.StatusBadGateway)
			simulator.Endless(cloud, always).ServeHTTP(w, r)
		case n%4 == 2:
			_, err := io.WriteString(w, `{"name":"demo-agent","conditions":[`)
			for err == nil {
				_, err = io.WriteString(w, strings.Repeat(`{"type":0},`, 1000))
			}
		default:
			_ = json.NewEncoder(w).Encode(revision(false, fmt.Sprint("Validating ", n), output))
		}
	})
	job = startAs(t, exec.Command(built(t)), api, "INPUT_IMAGE=ghcr.io/acme/bot:stuck", "INPUT_WAIT-TIMEOUT="+(*memoryFor+time.Hour).String())
	close(started)
	hung := time.AfterFunc(*memoryFor+2*hangs, func() { _ = job.Process.Kill() })
	defer hung.Stop()
	_ = job.Wait()
	if values, err := outputs(t, filepath.Join(job.dir, "output")); err != nil || values["status"] != "ready" {
		t.Errorf("outputs %v, %v\n%s", values, err, job.log)
	}
	t.Logf("%d looks, and a peak of %.1f MiB", looks, float64(peak)/1024)
	if looks <= memoryLooks {
		t.Errorf("only %d looks", looks)
	}
	if peak == 0 || peak >= 32<<10 {
		t.Errorf("a peak of %d KiB", peak)
	}
}
