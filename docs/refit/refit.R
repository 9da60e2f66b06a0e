# Fits the headline regression again from the files of a release: Rscript refit.R releases/<name>/csv
# (data/csv without it). The same model as refit.py; base R only. Ends with 1 if a number is missed by more than 1e-6 of
# its size.
folder <- c(commandArgs(trailingOnly = TRUE), file.path("data", "csv"))[1]
read <- function(table) {
  files <- file.path(folder, paste0(table, c(".csv", ".csv.gz")))
  read.csv(files[file.exists(files)][1], fileEncoding = "UTF-8-BOM")
}
data <- read("mart_model_data")
edges <- read("mart_model_edge")
coef <- read("mart_panel_coef")
fit <- read("mart_panel_fit")

refit <- function(data, edges) {
  data <- data[order(data$city_id, data$year), ]
  cities <- sort(unique(data$city_id))
  years <- sort(unique(data$year))
  n <- length(cities)
  t <- length(years)
  segment <- data$segment[match(years, data$year)]
  free <- t - length(unique(segment))
  plane <- function(term) matrix(data$value[data$term == term], nrow = n, ncol = t, byrow = TRUE)
  dependent <- unique(data$term[data$role == "y"])
  names <- setdiff(unique(data$term), dependent)
  w <- matrix(0, n, n)
  w[cbind(match(edges$city_i, cities), match(edges$city_j, cities))] <- edges$w
  flat <- function(p) {
    p <- sweep(p, 2, colMeans(p))
    for (s in unique(segment)) {
      p[, segment == s] <- p[, segment == s] - rowMeans(p[, segment == s, drop = FALSE])
    }
    as.vector(p)
  }

  x <- cbind(sapply(names, function(k) flat(plane(k))), sapply(names, function(k) flat(w %*% plane(k))))
  colnames(x) <- c(names, paste0("W:", names))
  y <- flat(plane(dependent))
  wy <- flat(w %*% plane(dependent))
  own <- qr.coef(qr(x), cbind(y, wy))
  left <- cbind(y, wy) - x %*% own
  values <- eigen(w, only.values = TRUE)$values
  rows <- (n - 1) * free
  sigma2 <- function(rho) sum((left[, 1] - rho * left[, 2])^2) / rows
  loglik <- function(rho) {
    jacobian <- sum(log(Mod(1 - rho * values))) - log(1 - rho)
    -rows / 2 * (log(2 * pi) + 1 + log(sigma2(rho))) + free * jacobian
  }
  rho <- optimize(loglik, c(1 / min(Re(values)), 1), maximum = TRUE, tol = 1e-12)$maximum
  c(own[, 1] - rho * own[, 2], rho = rho, sigma2 = sigma2(rho), lnl = loglik(rho))
}

missed <- 0
for (model in unique(data$model_id)) {
  mine <- refit(data[data$model_id == model, ], edges[edges$model_id == model, ])
  of <- coef[coef$model_id == model, ]
  at <- fit[fit$model_id == model, ]
  published <- c(setNames(of$coef, of$term), rho = at$rho, sigma2 = at$sigma2, lnl = at$lnl)[names(mine)]
  cat(model, "\n")
  print(data.frame(refitted = mine, published = published, difference = mine - published), digits = 10)
  met <- abs(mine - published) <= 1e-6 * pmax(abs(published), 1)
  cat(sum(met), "of", length(met), "published numbers met\n")
  missed <- missed + sum(!met)
}
quit(status = as.integer(missed > 0))
