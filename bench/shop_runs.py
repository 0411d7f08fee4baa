"""Runs of synthetic shops, one after another, each with the same secret."""
import os
import subprocess

SECRET = b"thirty-two bytes for all tests.."


def run_remise(remise, settings, words):
    """One command; its error as an exception."""
    environment = dict(os.environ, XDG_CONFIG_HOME=settings)
    done = subprocess.run([remise] + words, env=environment, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"remise {' '.join(words)} failed: {done.stderr[-500:]}")


def make_run(remise, folder, synth, run):
    """folder/shop by remise synth and folder/run by remise run, with these further words."""
    settings = folder + "/settings"
    os.makedirs(settings + "/remise")
    path = settings + "/remise/secret.key"
    with open(path, "wb") as file:
        file.write(SECRET)
    os.chmod(path, 0o600)
    run_remise(remise, settings, ["synth", folder + "/shop"] + synth)
    run_remise(remise, settings, ["run", folder + "/shop/remise.yaml", "-o", folder + "/run"] + run)
