//go:build unix

package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/simulator"
)

// Blocked stops a process that cannot write what it has to: it ends by itself, says
// what it can where it can, and a second signal ends it.
func Blocked(t *testing.T) {
	t.Parallel()
	deployed := func() *simulator.Cloud {
		cloud := &simulator.Cloud{Key: searchKey}
		cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
		return cloud
	}
	// blocked is a process that was stopped once its job was green, and has a file to
	// write that nobody reads.
	blocked := func(t *testing.T, file string) (*process, *simulator.Cloud) {
		cloud, fifo := deployed(), filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		j := prepared(t, cloud, "INPUT_IMAGE=ghcr.io/acme/bot:ok", "INPUT_WAIT-FOR-READY=false", file+"="+fifo)
		log := &saying{syncLog: j.log, text: "was accepted for demo-agent", said: make(chan struct{})}
		j.Stdout, j.Stderr = log, log
		j.begin(t)
		select {
		case <-log.said:
		case <-time.After(hangs):
			t.Fatalf("it is not deployed:\n%s", j.log)
		}
		_ = j.Process.Signal(syscall.SIGTERM)
		return j, cloud
	}
	const untold = "the job was stopped while it wrote its outputs or its summary"
	t.Run("outputs", func(t *testing.T) {
		t.Parallel()
		j, _ := blocked(t, "GITHUB_OUTPUT")
		j.end(t)
		if j.ProcessState.ExitCode() != 1 {
			t.Errorf("%s, want exit status 1", j.ProcessState)
		}
		if page := j.read("summary"); strings.Count(page, "## ") != 1 || !strings.Contains(page, untold) {
			t.Errorf("the page is\n%s", page)
		}
	})
	t.Run("summary", func(t *testing.T) {
		t.Parallel()
		j, cloud := blocked(t, "GITHUB_STEP_SUMMARY")
		j.cancelled(t, untold)
		if values, err := outputs(t, filepath.Join(j.dir, "output")); err != nil || values["deployment-id"] != cloud.Deployments("demo-agent")[1] {
			t.Errorf("outputs %v, %v", values, err)
		}
	})
	t.Run("log", func(t *testing.T) {
		t.Parallel()
		// A pipe with a name is opened more than once, and does not block where it is filled.
		fifo := filepath.Join(t.TempDir(), "log")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		open := func(mode int) *os.File {
			f, err := os.OpenFile(fifo, mode, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			return f
		}
		open(os.O_RDONLY | syscall.O_NONBLOCK) // and never read
		writer, filler := open(os.O_WRONLY), open(os.O_WRONLY|syscall.O_NONBLOCK)
		// The pipe is filled while the process waits for its first response: it is full
		// once the kernel takes not one byte more.
		fill := func() {
			raw, err := filler.SyscallConn()
			if err != nil {
				t.Error(err)
				return
			}
			err = raw.Control(func(fd uintptr) {
				for size := 4096; size > 0; {
					if _, err := syscall.Write(int(fd), make([]byte, size)); errors.Is(err, syscall.EAGAIN) {
						size /= 2
					} else if err != nil && !errors.Is(err, syscall.EINTR) {
						t.Error(err)
						return
					}
				}
			})
			if err != nil {
				t.Error(err)
			}
		}
		var reads atomic.Int64
		reached := make(chan struct{})
		cloud := deployed()
		j := prepared(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if reads.Add(1) == 1 {
				fill()
				close(reached)
			}
			cloud.ServeHTTP(w, r)
		}), "INPUT_IMAGE=ghcr.io/acme/bot:ok")
		j.Stdout = writer
		j.begin(t)
		<-reached
		_ = j.Process.Signal(syscall.SIGTERM)
		j.cancelled(t, "the job was stopped")
	})
	t.Run("packing", func(t *testing.T) {
		t.Parallel()
		reached := make(chan struct{})
		cloud := deployed()
		j := prepared(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cloud.ServeHTTP(w, r)
			close(reached) // and there is no second request
		}), "INPUT_CLOUD-BUILD=true")
		put(t, j.dir, "Dockerfile", []byte("FROM dailyco/pipecat-base\nCOPY . .\n"))
		put(t, j.dir, "model.bin", nil)
		if err := os.Truncate(filepath.Join(j.dir, "model.bin"), 480<<20); err != nil {
			t.Fatal(err)
		}
		j.begin(t)
		<-reached
		_ = j.Process.Signal(syscall.SIGTERM)
		j.cancelled(t, "the job was stopped before anything was changed")
	})
	t.Run("stopped again", func(t *testing.T) {
		t.Parallel()
		// A machine that is busy may let the process end by itself before the second
		// signal comes, but not each time.
		const tries = 5
		for range tries {
			j, _ := blocked(t, "GITHUB_OUTPUT")
			ended := make(chan struct{})
			go func() {
				tick := time.NewTicker(5 * time.Millisecond) // the first signal may still be on its way
				defer tick.Stop()
				for {
					select {
					case <-ended:
						return
					case <-tick.C:
						_ = j.Process.Signal(syscall.SIGTERM)
					}
				}
			}()
			j.end(t)
			close(ended)
			if j.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
				return
			}
		}
		t.Errorf("it ends by itself %d times, and never by the signal", tries)
	})
}

// saying is a log in which a text is waited for.
type saying struct {
	*syncLog
	text string
	once sync.Once
	said chan struct{} // is closed once the log has the text
}

func (s *saying) Write(p []byte) (int, error) {
	n, err := s.syncLog.Write(p)
	if strings.Contains(s.String(), s.text) {
		s.once.Do(func() { close(s.said) })
	}
	return n, err
}

// cancelled holds that the process ends by itself, in red, and that its outputs say
// why.
func (j *process) cancelled(t *testing.T, says string) {
	t.Helper()
	j.end(t)
	values, err := outputs(t, filepath.Join(j.dir, "output"))
	if code := j.ProcessState.ExitCode(); code != 1 || err != nil || values["status"] != "cancelled" || values["failure-reason"] != "cancelled" || !strings.Contains(values["failure-message"], says) {
		t.Errorf("exit code %d, outputs %v, %v; want cancelled, as %s\n%s", code, values, err, says, j.log)
	}
}
