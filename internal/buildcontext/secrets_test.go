package buildcontext

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const (
	// planted may hold secrets, and near do not, though they sound so.
	planted = ".env sub/.env sub/.env.production tls.key sub/server.pem .envrc prod.env id_rsa keys/id_ed25519 .npmrc .netrc .pypirc .aws/credentials .ssh/config " +
		"gha-creds-0123456789abcdef.json service-account.json service-account-prod.json credentials.json secrets.toml cert.p12 cert.pfx .git/config .git/HEAD"
	near = "environment.py env.py environ/x.py keys.py monkey.txt secrets.py credentials.py service.json pem.txt github/x aws/x.py ssh/x.py digit.py"
)

// TestSecrets holds that what may hold secrets is excluded unless a pattern has a
// literal part of the file's own name, and that nothing else is.
func TestSecrets(t *testing.T) {
	for _, tt := range []struct{ name, files, ignore, want, kept, named string }{
		{"two stars", ".env sub/.env.production tls.key sub/server.pem sub/app.py", "**\n!**/*.*\n!Dockerfile", "sub/app.py", ".env sub/.env.production tls.key sub/server.pem", ""},
		{"a folder", "sub/.env sub/.Env sub/.env.production sub/a.key sub/app.py bot.py", "**\n!sub\n!sub/**\n!bot.py\n!Dockerfile", "bot.py sub/app.py", "sub/.env sub/.Env sub/.env.production sub/a.key", ""},
		{"git is not named", ".git/config .git/objects/aa/bb a.md x.py", "*.md", "x.py", ".git/", ""},
		{"git is excluded", ".git/config x.py", ".git", "x.py", "", ""},
		{"git is named", ".git/config .git/.env x.py", "*\n!.git\n!x.py", ".git/config x.py", ".git/.env", ".git/"},
		{"what git has is named", ".git/HEAD .git/refs/x", "*\n!.git/**", ".git/HEAD .git/refs/x", "", ".git/"},
		{"a file of git is named", ".git/HEAD .git/config", "!.git/HEAD", ".git/HEAD", ".git/", ".git/HEAD"},
		{"a submodule's git", "sub/.git sub/x", "nothing", "sub/x", "sub/.git", ""},
		{"letter case", ".ENV sub/.Env .Env.Local Server.PEM A.KEY .GIT/x", "nothing", "sub/", ".ENV sub/.Env .Env.Local Server.PEM A.KEY .GIT/", ""},
		{"named by the ending", ".env a.pem a.key b/c.key bot.py", "*\n!bot.py\n!Dockerfile\n!*.key", "a.key bot.py", "", "a.key"},
		{"named", ".env .env.local tls.key bot.py", "*\n!bot.py\n!Dockerfile\n!.env", ".env bot.py", "", ".env"},
		{"others that are named", ".npmrc .netrc credentials.json prod.env secrets.toml", "!.npmrc\n!credentials.json\n!prod.env", ".npmrc credentials.json prod.env", ".netrc secrets.toml", ".npmrc credentials.json prod.env"},
		{"all, and no pattern names any", planted + " " + near, "nothing", near + " sub/ keys/", strings.NewReplacer(".git/config .git/HEAD", ".git/", ".aws/credentials", ".aws/", ".ssh/config", ".ssh/").Replace(planted), ""},
		{"a star, a dot, a star", ".env sub/.env.production sub/server.pem tls.key sub/app.py", "*\n!*.*\n!sub\n!Dockerfile", "sub/app.py", ".env tls.key sub/.env.production sub/server.pem", ""},
		{"signs that name nothing", ".env a_b.key", "*\n!.*\n!*_*.*\n!**/?*\n!.[a-z]*\n!**/.*.*", "", ".env a_b.key", ""},
		{"a part of the name", "my.env .env.ci x.key", "!*env\n!.e*\n!*k?y", "my.env .env.ci x.key", "", "my.env .env.ci x.key"},
		{"out again", ".env", "!.env\n.env", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t, tt.files)
			write(t, dir, "Dockerfile", "FROM x\n")
			write(t, dir, "Dockerfile.dockerignore", tt.ignore+"\nDockerfile.dockerignore\n")
			a, all := pack(t, Options{Dir: dir})
			sameWords(t, "packed", strings.Replace(names(all), "Dockerfile", "", 1), tt.want)
			sameWords(t, "kept out", strings.Join(a.KeptOut, " "), tt.kept)
			sameWords(t, "named", strings.Join(a.NamedIn, " "), tt.named)
		})
	}
}

// TestIsSecret lists names of each kind, beside their near misses.
func TestIsSecret(t *testing.T) {
	for _, name := range strings.Fields(`.env .ENV .env.local .env-prod .env_prod .env1 .env~ .envrc .envs prod.env docker.env my.app.env prod.env.bak env.local env.production api.env.dev
		server.key server.pem AuthKey.p8 cert.p12 cert.pfx key.pk8 store.jks debug.keystore vault.kdbx putty.ppk prod.tfvars terraform.tfstate
		id_rsa id_dsa id_ecdsa id_ed25519 id_ed25519_sk id_rsa.bak deploy_id_rsa
		gha-creds-0123456789abcdef.json service-account.json service_account.json serviceAccount.json serviceAccountKey.json service-account-key.json service-account-prod.json prod-service-account.json gcpServiceAccount.json
		my-app-firebase-adminsdk-abc12.json client_secret.json client_secret_123.apps.googleusercontent.com.json
		credentials.json credentials.yaml credentials.csv google-credentials.json googleCredentials.json application_default_credentials.json gcp-creds.json credentials-prod.json
		secrets.toml secrets.yml secrets.yaml secrets.json .secrets.toml secrets.prod.yaml app-secrets.json secret.yaml accessKeys.csv
		.npmrc .netrc _netrc .pypirc .pgpass .htpasswd .git-credentials .aws .ssh .git .gnupg .kube kubeconfig .vault-token`) {
		if !IsSecret(name) {
			t.Errorf("%s is no secret", name)
		}
	}
	for _, name := range strings.Fields(near + ` env .environment environment.yml .envoy env.yaml env.json env.d.ts environ.env.py env-utils.ts myenv envs venv .venv key keys.json monkey.key.py pem pem.py keyring.py turnkey
		id_rsa.pub id_rsa.py id_rsa_utils.py id_ed25519.pub identity.py id_card.json valid_rsa idrsa
		service.yaml service-account.py service-account.md service-account service_account microservice.json accounts.json
		credentials credentials.go credentials.md credentials_schema.json credentials.test.ts creds.py incredible.json
		secrets secrets.go secrets.md secret.txt secretary.json secrets_manager.py client.json client_secrets.py
		.github .gitignore .gitattributes .gitmodules .gitkeep git aws ssh .awsrc .npmignore .dockerignore .docker npmrc cert.crt ca.cer server.csr repo.gpg nodesource.asc main.tf package-lock.json`) {
		for part := range strings.SplitSeq(name, "/") {
			if IsSecret(part) {
				t.Errorf("%s is a secret", name)
			}
		}
	}
}

// TestNaming holds which patterns may name a secret, and by what.
func TestNaming(t *testing.T) {
	for pattern, want := range map[string]string{
		".env": ".env", "*.key": "*.key", "**/*.pem": "**/*.pem", ".git/**": ".git", ".git/*": ".git", "a/.git/**/*": "a/.git", "sub": "sub", "sub/**": "sub", "*v": "*v", "é": "é",
		"*": "", "**": "", "**/*": "", "*.*": "", "**/*.*": "", "sub/.*": "", "sub/*.*": "", "sub/???": "", "[a-z]*": "", "sub/.[a-z]??": "", `\.*`: "", "_*-.*": "", `[\]a]*`: "",
	} {
		if got := naming(pattern); got != want {
			t.Errorf("%q names by %q, want %q", pattern, got, want)
		}
	}
}

// TestSecretsPage holds that the names on the page are secrets, and that those of its
// near misses are none.
func TestSecretsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/builds.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(page), "## What is excluded\n")
	names, rest, _ := strings.Cut(part, "\nCode such as ")
	near, _, _ := strings.Cut(rest, " are packed")
	listed := 0
	for want, text := range map[bool]string{true: names, false: near} {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
			listed++
			if name := strings.ReplaceAll(m[1], "*", "-x"); IsSecret(name) != want {
				t.Errorf("%s is a secret: %v", m[1], !want)
			}
		}
	}
	if listed < 40 {
		t.Errorf("the page has %d names", listed)
	}
}
