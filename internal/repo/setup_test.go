package repo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is what a runner of some system has.
type machine struct {
	os, arch string
	tools    []string // beside bash
	program  string   // in the archive
	target   string   // of the archive
}

var (
	unixTools = []string{"dirname", "mktemp", "curl", "gzip", "tar", "rm", "env"}
	linux     = machine{"Linux", "X64", append(unixTools, "sha256sum"), "pipecat-cloud-deploy", "linux-amd64"}
	arm       = machine{"Linux", "ARM64", append(unixTools, "sha256sum"), "pipecat-cloud-deploy", "linux-arm64"}
	mac       = machine{"macOS", "ARM64", append(unixTools, "shasum"), "pipecat-cloud-deploy", "darwin-arm64"}
	intel     = machine{"macOS", "X64", append(unixTools, "shasum"), "pipecat-cloud-deploy", "darwin-amd64"}
	windows   = machine{"Windows", "X64", append(unixTools, "sha256sum"), "pipecat-cloud-deploy.exe", "windows-amd64"}
)

// TestSetup runs the composite action's script as the shells of the three systems
// do: with the tools that each has, and no other.
func TestSetup(t *testing.T) {
	for _, m := range []machine{linux, arm, mac, intel, windows} {
		t.Run(m.os+" "+m.arch, func(t *testing.T) {
			s := newSetup(t, m)
			s.release(t, s.archive(t), "")
			out, code := s.run(t)
			if code != 3 {
				t.Errorf("exit code %d, want the program's own, 3: %s", code, out)
			}
			for _, want := range []string{"key sk_setup\n", "exclude *.wav\n*.mp3\n", "MSYS2_ENV_CONV_EXCL=*\n", fmt.Sprintf("pid %d\n", s.process.Pid), "in " + s.workspace + "\n"} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			if outputs := s.outputs(t); outputs != "" {
				t.Errorf("the script wrote outputs before the program did:\n%s", outputs)
			}
		})
	}
}

// TestSetupDownloads takes the program from where GitHub redirects to, also with a
// curl that doesn't know every option.
func TestSetupDownloads(t *testing.T) {
	for name, curl := range map[string]string{"curl": "", "an old curl": `[[ " $* " != *" --retry-all-errors "* ]] || exit 2`} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t, linux)
			archive := s.archive(t)
			s.tool(t, "curl", curl)
			s.release(t, archive, s.serve(t, func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.URL.Path, "/elsewhere/") {
					http.Redirect(w, r, "/elsewhere"+r.URL.Path, http.StatusFound)
					return
				}
				w.Write(archive)
			}))
			if out, code := s.run(t); code != 3 {
				t.Errorf("exit code %d, want the program's own, 3: %s", code, out)
			}
		})
	}
}

// TestSetupIsCancelled holds that a job that is stopped during the download ends at
// once, with outputs, and never runs the program.
func TestSetupIsCancelled(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			s := newSetup(t, linux)
			archive, asked, gone, answer := s.archive(t), make(chan bool, 1), make(chan bool, 1), make(chan bool)
			s.release(t, archive, s.serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked <- true
				select {
				case <-r.Context().Done():
					gone <- true
				case <-answer:
					w.Write(archive)
				}
			}))
			ended := s.start(t)
			select {
			case <-asked:
			case <-time.After(time.Minute):
				t.Fatal("it downloads nothing")
			}
			if err := s.process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(5*time.Second, func() { close(answer) })
			out, code := ended()
			if !late.Stop() {
				t.Fatalf("it does not end before the download: exit code %d\n%s", code, out)
			}
			<-gone
			want := "status=cancelled\nchanged=false\nfailure-reason=cancelled\nfailure-message=The job was stopped before the program started. Nothing was deployed.\n"
			if outputs := s.outputs(t); code != 1 || outputs != want || strings.Contains(out, "key sk_setup") {
				t.Errorf("exit code %d, want 1 and no program:\n%s\noutputs:\n%s\nwant\n%s", code, out, outputs, want)
			}
		})
	}
}

// refusal is a case in which nothing may run, and what is said of it.
type refusal struct {
	name, says string
	machine    machine
	spoil      func(*testing.T, *setup)
}

// TestSetupDistrusts holds that nothing runs but what was released.
func TestSetupDistrusts(t *testing.T) {
	refuses(t, []refusal{
		{"another program", "is not what was released", linux, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t), "")
			write(t, s.file, "not the archive")
		}},
		{"another program, on macOS", "is not what was released", mac, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t), "")
			write(t, s.file, "not the archive")
		}},
		{"a page in place of the program", "could not be downloaded from https://", linux, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t), s.serve(t, http.NotFound))
		}},
		{"an address that is not https", "could not be downloaded from http://", linux, func(t *testing.T, s *setup) {
			archive := s.archive(t)
			s.release(t, archive, plain(t, archive))
		}},
		{"a redirect to a file of the runner", "could not be downloaded from https://", linux, func(t *testing.T, s *setup) {
			archive := s.archive(t)
			s.release(t, archive, "")
			s.release(t, archive, s.serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "file://"+s.file, http.StatusFound) }))
		}},
	})
}

// TestSetupRefuses holds that whoever has a runner on which it can't work learns what
// to do.
func TestSetupRefuses(t *testing.T) {
	refuses(t, []refusal{
		{"no release", "This commit is not a release", linux, func(t *testing.T, s *setup) {}},
		{"no such file", "could not be downloaded from file:///", linux, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t), "")
			if err := os.Remove(s.file); err != nil {
				t.Fatal(err)
			}
		}},
		{"no archive", "could not be unpacked", linux, func(t *testing.T, s *setup) { s.release(t, []byte("no archive"), "") }},
		{"no program for it", "has no program for linux-amd64", linux, func(t *testing.T, s *setup) {
			write(t, filepath.Join(s.action, "release"), strings.Repeat("0", 64)+"  https://127.0.0.1:1/x-linux-arm64.tar.gz\n")
		}},
		{"an architecture that is not there", "Linux on RISCV", machine{os: "Linux", arch: "RISCV", tools: linux.tools}, func(t *testing.T, s *setup) {}},
		{"no runner", "no RUNNER_OS on no RUNNER_ARCH", machine{tools: linux.tools}, func(t *testing.T, s *setup) {}},
		{"no curl", "has no curl", machine{"Linux", "X64", []string{"dirname", "gzip", "tar", "sha256sum"}, "", "linux-amd64"}, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t), "")
		}},
		{"no checksum", "has no sha256sum or shasum", machine{"Linux", "X64", unixTools, "", "linux-amd64"}, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t), "")
		}},
		{"a checksum that fails", "could not be computed by sha256sum", linux, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t), "")
			s.tool(t, "sha256sum", "exit 1")
		}},
		{"no folder for it", "No folder could be made in ", linux, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t), "")
			s.temp += " that is not there"
		}},
	})
}

// refuses holds that the program does not run, and that the log and the outputs say why.
func refuses(t *testing.T, refusals []refusal) {
	t.Helper()
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, tt.machine)
			tt.spoil(t, s)
			out, code := s.run(t)
			if code != 1 || !strings.Contains(out, "::error title=Pipecat Cloud Deploy::") || !strings.Contains(out, tt.says) {
				t.Errorf("exit code %d, want 1 and an annotation that says %q:\n%s", code, tt.says, out)
			}
			if strings.Contains(out, "key sk_setup") {
				t.Error("the program ran")
			}
			outputs := s.outputs(t)
			if head := "status=failed\nchanged=false\nfailure-reason=internal\nfailure-message="; !strings.HasPrefix(outputs, head) || !strings.Contains(outputs, tt.says) || strings.Count(outputs, "\n") != 4 {
				t.Errorf("outputs:\n%s\nwant\n%s… and in it %q", outputs, head, tt.says)
			}
		})
	}
}

// TestSetupTargets holds that a release has a program for each runner that the script
// knows, and the other way round, and that the page says which runners these are.
func TestSetupTargets(t *testing.T) {
	_, built, _ := strings.Cut(read(t, ".ci/build"), "\nfor target in ")
	built, _, _ = strings.Cut(built, ";")
	want := strings.Fields(strings.ReplaceAll(built, "/", "-"))
	var got []string
	for _, m := range regexp.MustCompile(`\) target=(\S+) ;;`).FindAllStringSubmatch(read(t, "setup/run.sh"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("setup/run.sh fetches programs for %q, a release has those for %q", got, want)
	}
	if row := "\n| GitHub's macOS and Windows | no: a container action is for Linux only | yes |\n"; !strings.Contains(read(t, "docs/compatibility.md"), row) {
		t.Errorf("docs/compatibility.md lacks%s", row)
	}
}

// newer is what macOS lacks: bash 3.2 has none of the first line, takes an array
// without elements for a variable that is not set, and its tools have none of the
// options of GNU's.
var newer = regexp.MustCompile(`\b(mapfile|readarray|coproc|(declare|local|typeset) -\w*[gAn]|wait -n|EPOCH\w+)|\[ -v |%\(|\$\{[^}]*(,,|\^\^|@[A-Z])|\$\{\w+:[^}:]*: *-|&>>|\|&` +
	`|\[[@*]\]` +
	`|\b(mktemp|tar|gzip|rm|dirname|sha256sum)\b[^|;&)]* --\w|\breadlink -f|\brealpath\b|\bsed -\w*r|\bgrep -\w*P|\bdate -\w*d`)

// TestSetupIsForOldShells holds that the script has nothing that macOS lacks.
func TestSetupIsForOldShells(t *testing.T) {
	for i, line := range strings.Split(read(t, "setup/run.sh"), "\n") {
		if newer.MatchString(line) {
			t.Errorf("setup/run.sh:%d: macOS has no %q", i+1, newer.FindString(line))
		}
	}
	for _, line := range []string{"mapfile -t x", "declare -gA x", "echo ${x,,}", "make |& tee", "echo ${x@Q}", "[[ -v x ]]", "y=${x:0: -1}", "printf '%(%s)T' -1",
		`run "${args[@]}"`, "mktemp --directory", "readlink -f x"} {
		if !newer.MatchString(line) {
			t.Errorf("%q is not found", line)
		}
	}
}

// setup is a copy of the composite action on a machine.
type setup struct {
	machine                 machine
	action, bin, temp, file string
	bash                    string // the real one, which programs may need
	workspace               string
	output                  string // file of the step's outputs
	env                     []string
	process                 *os.Process
}

func newSetup(t *testing.T, m machine) *setup {
	t.Helper()
	dir := t.TempDir()
	s := &setup{machine: m, bash: found(t, "bash")}
	for _, d := range []struct {
		to   *string
		name string
	}{{&s.action, "action of ours"}, {&s.bin, "bin"}, {&s.temp, "temp of it"}, {&s.workspace, "workspace"}} {
		*d.to = filepath.Join(dir, d.name)
		if err := os.Mkdir(*d.to, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.output = filepath.Join(dir, "outputs")
	write(t, s.output, "")
	s.file = filepath.Join(dir, "pipecat-cloud-deploy-"+m.target+".tar.gz")
	write(t, filepath.Join(s.action, "run.sh"), read(t, "setup/run.sh"))
	for _, tool := range append([]string{"bash"}, m.tools...) {
		switch tool {
		case "curl":
			s.tool(t, tool, "")
		case "shasum": // as macOS has it
			s.tool(t, tool, `[ "$1 $2" = "-a 256" ] && exec `+found(t, "sha256sum"))
		default:
			if err := os.Symlink(found(t, tool), filepath.Join(s.bin, tool)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// found is where a tool is on this machine.
func found(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// tool puts one that runs a script first in place of one of the machine's. A curl is
// this machine's then, and does not wait before it tries again: it does not try.
func (s *setup) tool(t *testing.T, name, script string) {
	t.Helper()
	text := "#!" + s.bash + "\n" + script + "\n"
	if name == "curl" {
		text += "exec " + found(t, name) + " \"$@\" --retry 0\n"
	}
	file := filepath.Join(s.bin, name)
	if err := os.RemoveAll(file); err != nil { // which may be a link
		t.Fatal(err)
	}
	write(t, file, text)
}

// serve starts a server that the machine trusts, and returns its address.
func (s *setup) serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	bundle := s.output + ".pem"
	write(t, bundle, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	s.env = append(s.env, "CURL_CA_BUNDLE="+bundle)
	return server.URL
}

// plain is the address of a server without https that has the archive.
func plain(t *testing.T, archive []byte) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(archive) }))
	t.Cleanup(server.Close)
	return server.URL
}

// archive has a program that prints what reaches it.
func (s *setup) archive(t *testing.T) []byte {
	t.Helper()
	program := "#!" + s.bash + "\nPATH=/usr/bin:/bin\nenv | grep -A1 '^INPUT_\\|^MSYS' | sed -e 's/^INPUT_API-KEY=/key /' -e 's/^INPUT_BUILD-EXCLUDE=/exclude /'\necho pid $$\necho in $PWD\nexit 3\n"
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: s.machine.program, Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(program)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

// release puts an archive where the file of the release's commit says: beside it, or
// below an address.
func (s *setup) release(t *testing.T, archive []byte, address string) {
	t.Helper()
	if address == "" {
		address = "file://" + filepath.Dir(s.file)
		write(t, s.file, string(archive))
	}
	write(t, filepath.Join(s.action, "release"), fmt.Sprintf("%s  https://127.0.0.1:1/pipecat-cloud-deploy-other.tar.gz\n%x  %s/%s\n", strings.Repeat("0", 64), sha256.Sum256(archive), address, filepath.Base(s.file)))
}

// outputs are those that the step has.
func (s *setup) outputs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run is what the composite action's step does; it returns output and exit code.
func (s *setup) run(t *testing.T) (string, int) {
	t.Helper()
	return s.start(t)()
}

// start starts the step; what it returns waits for its end.
func (s *setup) start(t *testing.T) func() (string, int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(s.bin, "bash"), "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", `exec bash "$GITHUB_ACTION_PATH/run.sh"`)
	cmd.Dir = s.workspace
	cmd.Env = append(s.env, "PATH="+s.bin, "GITHUB_ACTION_PATH="+s.action, "RUNNER_OS="+s.machine.os, "RUNNER_ARCH="+s.machine.arch, "RUNNER_TEMP="+s.temp,
		"GITHUB_OUTPUT="+s.output, "INPUT_API-KEY=sk_setup", "INPUT_BUILD-EXCLUDE=*.wav\n*.mp3", "INPUT_IMAGE=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = cmd.Process
	return func() (string, int) {
		t.Helper()
		if err := cmd.Wait(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return out.String(), cmd.ProcessState.ExitCode()
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
