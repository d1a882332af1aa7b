package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/encoding/protowire"

	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

const (
	// largest is the size of a response or of a file of others'.
	largest = 2 << 20
	// maxForeign is how much memory they may take, in KiB.
	maxForeign = 48 << 10
	// maxCall is how much a job with a test call may take, in KiB.
	maxCall = 32 << 10
)

// filled is a text with as many of the items as fit.
func filled(before, item, after string, size int) string {
	return before + item + strings.Repeat(","+item, (size-len(before)-len(after)-len(item))/(len(item)+1)) + after
}

// lined is a text of lines that are numbered by their format.
func lined(format string, lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, format+"\n", i)
	}
	return b.String()
}

// Bounds holds the process under its limit of memory, whatever the size of what
// others wrote: responses, a config file, ignore files. How long it may take is for the
// benchmarks; a step whose time grows by the square of the size would not end here.
func Bounds(t *testing.T) {
	t.Parallel()
	is := func(method, path string) simulator.When {
		return func(r *http.Request) bool { return r.Method == method && r.URL.Path == path }
	}
	agent, secretsPath := is(http.MethodGet, "/v1/agents/demo-agent"), is(http.MethodGet, "/v1/secrets")
	image, quick := "INPUT_IMAGE=ghcr.io/acme/bot:ok", "INPUT_WAIT-FOR-READY=false"
	source := "INPUT_CLOUD-BUILD=true"
	// with is a document that has more members at its beginning.
	with := func(members string) func(http.Handler) http.Handler {
		return func(cloud http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !agent(r) {
					cloud.ServeHTTP(w, r)
					return
				}
				document := httptest.NewRecorder()
				cloud.ServeHTTP(document, r)
				_, _ = io.WriteString(w, "{"+members+","+strings.TrimPrefix(document.Body.String(), "{"))
			})
		}
	}
	answers := func(when simulator.When, status int, body string) func(http.Handler) http.Handler {
		return func(cloud http.Handler) http.Handler { return simulator.Answer(cloud, when, status, nil, body) }
	}
	const room = largest - 64<<10 // next to which a document fits
	globs := map[string]string{}
	for i := range 300 {
		globs[fmt.Sprintf("dir%d/f%d.py", i%10, i)] = "text\n"
	}
	for _, tt := range []struct {
		name, status, reason string
		inputs               []string
		files                map[string]string
		cloud                func(http.Handler) http.Handler
		globs                bool // with 300 files in ten folders
	}{
		{"errors of a document", "deployed", "", []string{image, quick}, nil, with(filled(`"errors":[`, `{                       }`, `]`, room)), false},
		{"small errors of a document", "deployed", "", []string{image, quick}, nil, with(filled(`"errors":[`, `{}`, `]`, room)), false},
		{"errors that are no objects", "deployed", "", []string{image, quick}, nil, with(filled(`"errors":[`, `0`, `]`, room)), false},
		{"errors inside of lists", "deployed", "", []string{image, quick}, nil, with(filled(`"errors":[`, `[[[]]]`, `]`, room)), false},
		{"errors by names", "deployed", "", []string{image, quick}, nil, with(filled(`"errors":{`, `"":{}`, `}`, room)), false},
		{"conditions", "deployed", "", []string{image, quick}, nil, with(filled(`"conditions":[`, `{"type":"a","status":"b"}`, `]`, room)), false},
		{"what is not known", "deployed", "", []string{image, quick}, nil, with(filled(`"x":[`, `[{}]`, `]`, room)), false},
		{"members without an end", "deployed", "", []string{image, quick}, nil, with(`"activeSessionCount":"x",` + filled("", `"":0`, "", 900<<10)), false},
		{"different members without an end", "deployed", "", []string{image, quick}, nil, with(`"activeSessionCount":"x",` + strings.ReplaceAll(strings.TrimSuffix(lined(`"%d":0,`, 90_000), ",\n"), "\n", "")), false},
		{"log", "failed", "crash", []string{"INPUT_IMAGE=ghcr.io/acme/bot:dies", "INPUT_LOG-LINES=1000000"}, nil, answers(logs, 200, filled(`{"logs":[`, `{}`, `]}`, largest)), false},
		{"log of lines", "failed", "crash", []string{"INPUT_IMAGE=ghcr.io/acme/bot:dies", "INPUT_LOG-LINES=1000000"}, nil, answers(logs, 200, filled(`{"logs":[`, `{"log":"a"}`, `]}`, largest)), false},
		{"builds", "deployed", "", []string{source, quick}, nil, answers(is(http.MethodGet, "/v1/builds"), 200, filled(`{"builds":[`, `{}`, `],"total":9}`, largest)), false},
		{"upload's form", "timed-out", "build", []string{source, quick, "INPUT_BUILD-TIMEOUT=1"}, nil, answers(is(http.MethodPost, "/v1/builds/upload-url"), 200, `{"uploadId":"u","uploadUrl":"http://127.0.0.1:9","uploadFields":{`+strings.ReplaceAll(lined(`"%d":"",`, 170_000), "\n", "")+`"a":"b"}}`), false},
		{"build's log", "failed", "build", []string{source, quick}, nil, answers(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/builds/") && logs(r) }, 200, filled(`{"logs":[`, `"a\n\n\n\n\n\n"`, `]}`, 7<<20)), false},
		{"secret sets", "timed-out", "refused api", []string{image, "INPUT_IMAGE-CREDENTIALS=pull", "INPUT_WAIT-TIMEOUT=2"}, nil, func(cloud http.Handler) http.Handler {
			return simulator.Answer(simulator.Answer(cloud, simulator.Writes, 409, nil, `{"error":"not yet ready"}`), secretsPath, 200, nil, filled(`{"sets":[`, `{}`, `]}`, largest))
		}, false},
		{"refusal", "failed", "refused", []string{image}, nil, answers(simulator.Writes, 400, filled(`{"error":"no","details":[`, `{}`, `]}`, largest)), false},
		{"unknown keys", "failed", "inputs", []string{image}, map[string]string{"pcc-deploy.toml": lined("k%d=1", 20_000)}, nil, false},
		{"unknown tables", "failed", "inputs", []string{image}, map[string]string{"pcc-deploy.toml": lined("[k%d]", 20_000)}, nil, false},
		{"more unknown keys", "failed", "inputs", []string{image}, map[string]string{"pcc-deploy.toml": lined("k%d=1", 100_000)}, nil, false},
		{"a list", "failed", "inputs", []string{image}, map[string]string{"pcc-deploy.toml": filled("x=[", "1", "]", 256<<10)}, nil, false},
		{"a long key", "failed", "inputs", []string{image}, map[string]string{"pcc-deploy.toml": strings.Repeat("a.", 130_000) + "a=1"}, nil, false},
		{"wrong patterns", "failed", "inputs", []string{source, quick}, map[string]string{".dockerignore": strings.Repeat("[\n", 500_000)}, nil, true},
		{"equal patterns", "deployed", "", []string{source, quick}, map[string]string{".dockerignore": strings.Repeat("?*z\n", 262_142)}, nil, true},
		{"different patterns", "deployed", "", []string{source, quick}, map[string]string{".dockerignore": lined("?*z%d", 110_000)}, nil, true},
		{"patterns of folders", "deployed", "", []string{source, quick}, map[string]string{".dockerignore": lined("dir%d/*.txt", 20_000) + "secret.txt\n"}, nil, true},
		{"patterns of all that is in folders", "deployed", "", []string{source, quick}, map[string]string{".dockerignore": lined("other%d/**", 50_000)}, nil, true},
		{"patterns of any folder", "deployed", "", []string{source, quick}, map[string]string{".dockerignore": lined("**/*.z%d", 80_000)}, nil, true},
		{"patterns of endings", "deployed", "", []string{source, quick}, map[string]string{".dockerignore": lined("**.z%d", 80_000)}, nil, true},
		{"patterns that take back in", "failed", "inputs", []string{source, quick}, map[string]string{".dockerignore": lined("!dir%d/*.txt", 60_000)}, nil, true},
		{"patterns in turn", "failed", "inputs", []string{source, quick}, map[string]string{".dockerignore": lined("a%[1]d\n!b%[1]d", 60_000)}, nil, true},
		{"patterns with brackets", "failed", "inputs", []string{source, quick}, map[string]string{".dockerignore": lined("[a-z]%d", 80_000)}, nil, true},
		{"a long pattern", "failed", "inputs", []string{source, quick}, map[string]string{".dockerignore": strings.Repeat("[a-z]*", 10_000)}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cloud := fastCloud()
			if tt.status == "failed" && tt.reason == "build" {
				cloud.BuildScripts["ok"] = simulator.BuildScript{Name: "ok", Status: "failed"}
			}
			crash, _ := simulator.ScriptOf("crash")
			for i := range crash.Frames {
				crash.Frames[i].At = time.Duration(i+1) * time.Millisecond
			}
			cloud.Scripts = map[string]simulator.Script{"dies": crash}
			var api http.Handler = cloud
			if tt.cloud != nil {
				api = tt.cloud(cloud)
			}
			j := preparedAs(t, exec.Command(built(t)), api, append(tt.inputs, "INPUT_REGION=us-west")...)
			put(t, j.dir, "Dockerfile", []byte("FROM dailyco/pipecat-base\nCOPY . .\n"))
			for name, text := range tt.files {
				put(t, j.dir, name, []byte(text))
			}
			if tt.globs {
				for name, text := range globs {
					put(t, j.dir, name, []byte(text))
				}
			}
			began := time.Now()
			j.begin(t)
			peak := j.peak(t)
			values, err := outputs(t, filepath.Join(j.dir, "output"))
			t.Logf("%.1f s, %.1f MiB", time.Since(began).Seconds(), float64(peak)/1024)
			if err != nil || values["status"] != tt.status || !strings.Contains(" "+tt.reason+" ", " "+values["failure-reason"]+" ") { // which of the two, the machine's pace decides
				t.Errorf("outputs %v, %v; want %s %s\n%.3000s", values, err, tt.status, tt.reason, j.log)
			}
			if peak == 0 || peak > maxForeign {
				t.Errorf("a peak of %d KiB, want %d", peak, maxForeign)
			}
			if n := len(j.log.String()) + len(j.read("summary")); n > largest/2 {
				t.Errorf("the log and the summary have %d bytes", n)
			}
		})
	}
}

// flooding is an agent that sends as much as it can for a while, in messages as large as
// they may be, and then raises an exception.
type flooding struct{ bots.Switchboard }

func (f *flooding) WebSocket(w http.ResponseWriter, r *http.Request, c simulator.Call) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	audio := protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), make([]byte, 1<<20-100))
	audio = protowire.AppendVarint(protowire.AppendTag(audio, 4, protowire.VarintType), 24000)
	frame := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), audio)
	for conn.Write(ctx, websocket.MessageBinary, frame) == nil {
	}
	c.Log("ERROR", "Exception running bot(): enough")
	c.End("WS_CONNECTION_CLOSED")
	_ = conn.CloseNow()
}

// Calls holds the process under its limit of memory in a call, also by an agent that
// floods its caller.
func Calls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		road, tag string
		calls     simulator.Calls
		answer    string
		most      int // KiB
	}{
		{"websocket", "greets", &bots.Switchboard{}, "answered", maxCall},
		{"twilio", "greets", &bots.Switchboard{Twilio: true}, "answered", maxCall},
		{"webrtc", "greets", &bots.Switchboard{}, "answered", maxCall},
		{"websocket", "floods", &flooding{}, "no-answer", maxForeign},
	} {
		t.Run(tt.road+"/"+tt.tag, func(t *testing.T) {
			t.Parallel()
			cloud := fastCloud()
			cloud.Calls, cloud.PublicKey, cloud.ShowWebsocketAuth = tt.calls, "pk_test", true
			cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:"+tt.tag)
			j := preparedAs(t, exec.Command(built(t)), cloud, "INPUT_CHECK-ONLY=true", "INPUT_TEST-CALL="+tt.road, "INPUT_PUBLIC-API-KEY=pk_test")
			j.begin(t)
			peak := j.peak(t)
			values, err := outputs(t, filepath.Join(j.dir, "output"))
			t.Logf("%.1f MiB", float64(peak)/1024)
			if err != nil || values["test-call"] != tt.answer || peak == 0 || peak > tt.most {
				t.Errorf("%q, a peak of %d KiB, want %d: %v\n%s", values["test-call"], peak, tt.most, err, j.log)
			}
		})
	}
}

// peak is the most memory that the process takes until its end, in KiB. The rusage
// begins with what these tests take.
func (j *process) peak(t *testing.T) (peak int) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		j.end(t)
		close(ended)
	}()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", j.Process.Pid))
		if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
			_, _ = fmt.Sscan(rest, &peak)
		}
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
	}
}
