// Demo deploys to a simulated Pipecat Cloud, with no account: it builds the
// action, runs it as a workflow would, and shows the log and the job summary.
//
//	go run ./cmd/demo          a deployment that goes well
//	go run ./cmd/demo crash    one that does not
//	go run ./cmd/demo -list    what else there is
//	go run ./cmd/demo -open crash          the job summary in the browser
//	go run ./cmd/demo -html page.html crash   the same, in a file
package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

func main() {
	flags := flag.NewFlagSet("demo", flag.ExitOnError)
	list := flags.Bool("list", false, "list the scripts")
	page := flags.String("html", "", "write the job summary to a `file`, as a web page")
	show := flags.Bool("open", false, "show the job summary in the browser")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "go run ./cmd/demo [-html FILE] [-open] [SCRIPT]\ngo run ./cmd/demo -list\n\n")
		flags.PrintDefaults()
	}
	_ = flags.Parse(os.Args[1:])
	name := "ok"
	if flags.NArg() > 0 {
		name = flags.Arg(0)
		_ = flags.Parse(flags.Args()[1:]) // flags may follow the script
	}
	if *list {
		listScripts(os.Stdout)
		return
	}
	s, ok := sceneOf(name)
	if !ok || flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "demo: %q is not a script; -list lists them\n", strings.Join(append([]string{name}, flags.Args()...), " "))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *show && *page == "" {
		*page = filepath.Join(os.TempDir(), "pipecat-cloud-deploy-"+name+".html")
	}
	err := demo(ctx, s, *page)
	if err == nil && *show {
		err = open(*page)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// scene is a step of a workflow.
type scene struct {
	name, text string
	inputs     [][2]string
	build      string // how the cloud build goes
	green      bool
}

// scenes are those that are more than the script of an image. One without a text
// is a script of that name with more inputs, which show what it is about.
var scenes = []scene{
	{"rollback", "the same as crash, and the previous deployment is restored", [][2]string{{"image", "ghcr.io/acme/bot:crash"}, {"rollback-on-failure", "true"}}, "", false},
	{"build", "the sample agent is built in the cloud and deployed", [][2]string{{"cloud-build", "true"}}, "ok", true},
	{"build-failed", "the sample agent cannot be built", [][2]string{{"cloud-build", "true"}}, "failed", false},
	{"dry-run", "the change is shown, and nothing is sent", [][2]string{{"image", "ghcr.io/acme/bot:ok"}, {"min-agents", "2"}, {"dry-run", "true"}}, "", true},
	{"call", "the new version is called, and answers", called("greets"), "", true},
	{"call-webrtc", "the same by WebRTC", [][2]string{{"image", "ghcr.io/acme/bot:greets"}, {"test-call", "webrtc"}}, "", true},
	{"call-silent", "it is called, and says nothing", called("silent"), "", false},
	{"call-raises", "it is called, and raises an exception", called("raises"), "", false},
	{"call-rollback", "it is called and says nothing, and the previous deployment is restored", append(called("silent"), [2]string{"rollback-on-failure", "true"}), "", false},
	{"check", "nothing is deployed, and what serves is called", [][2]string{{"check-only", "true"}, {"test-call", "websocket"}}, "", true},
	{"cold", "", [][2]string{{"image", "ghcr.io/acme/bot:cold"}, {"min-agents", "3"}, {"wait-for", "warm"}}, "", true},
	{"flapping", "", [][2]string{{"image", "ghcr.io/acme/bot:flapping"}, {"min-ready-seconds", "5"}}, "", true},
}

// called are the inputs to deploy an agent and to call it: it behaves as its tag says.
func called(tag string) [][2]string {
	return [][2]string{{"image", "ghcr.io/acme/bot:" + tag}, {"test-call", "websocket"}, {"test-call-timeout", "10"}}
}

func sceneOf(name string) (scene, bool) {
	for _, s := range scenes {
		if s.name == name {
			return s, true
		}
	}
	_, ok := simulator.ScriptOf(name)
	return scene{name: name, inputs: [][2]string{{"image", "ghcr.io/acme/bot:" + name}}}, ok
}

// agent is what the workspace has: a small agent, with its Dockerfile.
//
//go:embed agent agent/.dockerignore
var agent embed.FS

// demo deploys to the simulator, and shows what the action prints and writes,
// however it ends.
func demo(ctx context.Context, s scene, html string) error {
	dir, err := os.MkdirTemp("", "pipecat-cloud-deploy-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, page := filepath.Join(dir, "pipecat-cloud-deploy"), filepath.Join(dir, "summary.md")
	fmt.Println("── Compiling the action; the first time takes a minute or two")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "pipecat-cloud-deploy").CombinedOutput(); err != nil {
		return fmt.Errorf("building the action: %w\n%s", err, out)
	}

	workspace := filepath.Join(dir, "workspace")
	files, err := fs.Sub(agent, "agent")
	if err != nil {
		return err
	}
	if err := os.CopyFS(workspace, files); err != nil {
		return err
	}
	cloud := &simulator.Cloud{Calls: &bots.Switchboard{}, PublicKey: "pk_demo", ShowWebsocketAuth: true}
	cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
	for _, b := range simulator.BuildScripts() {
		if b.Name == cmp.Or(s.build, "ok") {
			cloud.BuildScripts = map[string]simulator.BuildScript{"ok": b} // whatever the Dockerfile says
		}
	}
	inputs := append([][2]string{{"agent-name", "demo-agent"}}, s.inputs...)
	for i, in := range inputs {
		tag := in[1][strings.LastIndex(in[1], ":")+1:]
		if script, ok := simulator.ScriptOf(tag); ok && in[0] == "image" { // a version's tag reads better
			cloud.Scripts = map[string]simulator.Script{"v2": script}
			inputs[i][1] = strings.TrimSuffix(in[1], tag) + "v2"
		}
	}
	server := httptest.NewServer(cloud)
	defer server.Close()

	inputs = append(inputs, [2]string{"wait-timeout", "90"}, [2]string{"api-url", server.URL})
	action := exec.CommandContext(ctx, binary)
	action.Cancel = func() error { return action.Process.Signal(os.Interrupt) }
	action.Stdout, action.Stderr = os.Stdout, os.Stderr
	action.Env = []string{"GITHUB_WORKSPACE=" + workspace, "GITHUB_STEP_SUMMARY=" + page, "INPUT_API-KEY=sk_demo", "INPUT_PUBLIC-API-KEY=pk_demo"}
	fmt.Println("── The step, on a simulated Pipecat Cloud")
	for _, in := range inputs {
		fmt.Printf("   %s: %s\n", in[0], in[1])
		action.Env = append(action.Env, "INPUT_"+strings.ToUpper(in[0])+"="+in[1])
	}
	fmt.Println("\n── The log")
	var exit *exec.ExitError
	if err := action.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	summary, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	color := "red"
	if action.ProcessState.Success() {
		color = "green"
	}
	fmt.Printf("\n── The job summary, in Markdown\n%s── The job is %s: exit code %d\n", summary, color, action.ProcessState.ExitCode())
	if html == "" {
		return nil
	}
	fmt.Printf("── The job summary as a web page: %s\n", html)
	return writeHTML(html, summary)
}

// listScripts lists what can be shown: those that end well, then the others.
func listScripts(to io.Writer) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	defer w.Flush()
	group := func(title string, green bool) {
		fmt.Fprintln(w, title)
		for _, s := range simulator.Scripts() {
			if s.Serves() == green {
				fmt.Fprintf(w, "  %s\t%s\n", s.Name, s.Text)
			}
		}
		for _, s := range scenes {
			if s.text != "" && s.green == green {
				fmt.Fprintf(w, "  %s\t%s\n", s.name, s.text)
			}
		}
	}
	group("Green jobs:", true)
	group("\nRed jobs:", false)
}
