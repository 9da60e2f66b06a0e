# Two-way spatial Durbin model with dummies, 280 units x 10 years, from its definition, with base R only.
# python tests/golden/cases.py FOLDER; cd tests/golden/durbin_280; Rscript recipe.R FOLDER > log.txt   (writes expected.json)
library(jsonlite)
folder <- commandArgs(TRUE)[1]
d <- read.csv(file.path(folder, "durbin_280.csv"))
links <- read.csv(file.path(folder, "durbin_280_w.csv"))
w <- matrix(0, 280, 280); w[cbind(links$row, links$col) + 1] <- links$w
d <- d[order(d$t, d$id), ]                                   # years stacked
lag <- function(v) c(w %*% matrix(v, 280))
z <- sapply(c("x1", "x2", "x3"), function(x) d[[x]]); z <- cbind(z, apply(z, 2, lag))
dummies <- model.matrix(~ factor(id) + factor(t), d)
q <- qr(cbind(dummies, z)); e0 <- qr.resid(q, d$y); e1 <- qr.resid(q, lag(d$y))
omega <- eigen(w, only.values = TRUE)$values; nt <- nrow(d)
loglik <- function(rho) {                                    # concentrated over slopes, dummies and variance
  s2 <- sum((e0 - rho * e1)^2) / nt
  -nt / 2 * (log(2 * pi * s2) + 1) + 10 * sum(Re(log(1 - rho * omega + 0i)))
}
rho <- optimize(loglik, c(-0.9, 0.99), maximum = TRUE, tol = 1e-12)$maximum
slopes <- tail(qr.coef(q, d$y - rho * lag(d$y)), 6)
answer <- list(rho = rho, b_th = unname(slopes), sigma2 = sum((e0 - rho * e1)^2) / nt, logLik = loglik(rho))
print(answer)
write_json(list(
  program = R.version.string, data = "cases.durbin()",
  expected = list(twoways_B_dummyML = answer)),
  "expected.json", auto_unbox = TRUE, digits = NA, pretty = 1)
print(sessionInfo()$R.version$version.string)
