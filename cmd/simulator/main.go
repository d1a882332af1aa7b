// Simulator serves a simulated Pipecat Cloud on a port, with an agent called
// demo-agent, and others that are named as arguments. The tag of the image that is
// deployed picks what becomes of it: see go run ./cmd/demo -list.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

func main() {
	flags := flag.NewFlagSet("simulator", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:0", "address to serve on; port 0 picks a free one")
	key := flags.String("key", "", "the one Private key to take; empty takes any")
	dir := flags.String("tls", "", "folder of cert.pem and key.pem to serve https with; empty is http")
	verbose := flags.Bool("log", false, "print each request, with the status of its answer, to the standard error")
	runner := flags.String("runner", "", "address of the framework's development runner, with the path of its WebSocket, to hand calls on to")
	_ = flags.Parse(os.Args[1:])
	cloud := &simulator.Cloud{Key: *key}
	err := fill(cloud, *runner, flags.Args())
	if err == nil {
		err = serve(cloud, *addr, *dir, *verbose)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

// fill gives the cloud what it has: an agent more for each name, which is the tag of
// its image.
func fill(cloud *simulator.Cloud, runner string, names []string) error {
	cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
	cloud.AddSecretSet(simulator.SecretSet{Name: "demo-secrets"})
	cloud.AddBuild(simulator.Build{ID: "123e4567-e89b-12d3-a456-426614174000", After: 10 * time.Second})
	for _, name := range names {
		cloud.AddAgent(name, "us-west", "ghcr.io/acme/bot:"+name)
	}
	if runner == "" {
		cloud.Calls = &bots.Switchboard{}
		return nil
	}
	u, err := url.Parse(runner)
	cloud.Calls = bots.Relay{Runner: u}
	return err
}

func serve(cloud *simulator.Cloud, addr, dir string, verbose bool) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	handler := http.Handler(cloud)
	if verbose {
		handler = logged(cloud)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	if dir != "" {
		fmt.Printf("https://%s\n", listener.Addr())
		return server.ServeTLS(listener, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return server.Serve(listener)
}

// logged prints each request with the status of its answer.
func logged(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := &statusWriter{w, http.StatusOK}
		h.ServeHTTP(status, r)
		fmt.Fprintln(os.Stderr, r.Method, r.URL.RequestURI(), status.code)
	})
}

type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}
